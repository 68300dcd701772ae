"""
Voice sessions with the SDK over a real WebSocket, whose calls run on a real server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from running_server import Server, start_server
from toolcell_client import AsyncClient
from toolcell_client.testing.providers import Calls, ProviderServer, Says
from toolcell_client.voice import VoiceOptions, VoiceSession
from toolcell_client.voice.answers import CONFIRM_CALL
from toolcell_client.voice.languages import ENGLISH
from voice_wire import Speaker, served
from waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from toolcell.v1 import execution_pb2 as pb
    from toolcell_client.testing.providers.realtime.session import RealtimeSession

ATTEMPTS = 800  # a twentieth of a second each
BUNDLE = Path(__file__).parent / "bundles" / "voicing"
SETTINGS = f"""
[[bundles]]
name = "voicing"
path = "{BUNDLE}"
[registry]
enabled = true
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server"), SETTINGS) as one:
        yield one


class Room:
    """
    Everybody in one conversation: the user, the model, the session and the tools.
    """

    def __init__(self, provider: ProviderServer, client: AsyncClient, model: Speaker) -> None:
        self.provider, self.client, self.model = provider, client, model
        self.errors: list[Any] = []

    @property
    def line(self) -> RealtimeSession:
        return self.provider.sessions[0]

    async def user(self, text: str, *turns: Any) -> None:
        """
        The user says something, and the model answers with these turns.
        """
        self.model.steps.extend(turns)
        await asyncio.to_thread(self.line.hear, text)

    def outputs(self, name: str) -> list[Any]:
        """
        What calls of that name were answered with.
        """
        items = list(self.line.conversation.items.values())
        ids = {each["call_id"] for each in items if each.get("name") == name}
        found = [each for each in items if each["type"] == "function_call_output"]
        return [json.loads(each["output"]) for each in found if each["call_id"] in ids]

    async def output(self, name: str, count: int = 1) -> Any:
        await until(lambda: len(self.outputs(name)) >= count)
        return self.outputs(name)[count - 1]

    def received(self, kind: str) -> list[Any]:
        return [each.body for each in self.provider.requests if each.path == kind]


@contextlib.asynccontextmanager
async def talking(server: Server, *names: str, **options: Any) -> AsyncIterator[Room]:
    model = Speaker()
    with ProviderServer(model) as provider:
        sdk = openai.AsyncOpenAI(api_key="any", websocket_base_url=provider.websocket_base_url)
        async with AsyncClient(server.target) as client, sdk:
            room = Room(provider, client, model)
            settings = VoiceOptions(session={"output_modalities": ["text"]}, **options)
            async with (
                sdk.realtime.connect(model="gpt-realtime") as connection,
                VoiceSession(
                    client, *names, options=settings, on_error=room.errors.append
                ) as voice,
                served(voice, connection),
            ):
                await until(lambda: bool(room.received("session.update")))
                yield room
    refused = [each.refused for each in provider.requests if each.refused]
    assert [] == [each for each in refused if "active response" not in each]


def test_a_call_runs_and_its_result_is_told(server: Server) -> None:
    async def scenario() -> None:
        async with talking(server, "weather") as room:
            await room.user(
                "What is the weather?", Calls(("weather", {"city": "Oslo"})), Says("Three degrees.")
            )
            told = await room.output("weather")
            await until(lambda: "Three degrees." in room.model.said)

            assert {"ok": True, "result": {"city": "Oslo", "celsius": 3}} == told
            await until(lambda: len(room.received("response.create")) == 1)
            tools = room.received("session.update")[0]["session"]["tools"]
            assert ["weather", CONFIRM_CALL] == [each["name"] for each in tools]

    asyncio.run(scenario())


def test_parallel_calls_and_a_failing_one_are_answered_before_one_response(server: Server) -> None:
    async def scenario() -> None:
        async with talking(server) as room:
            called = Calls(("weather", {"city": "Rome"}), ("broken", {}), ("weather", {"town": 1}))
            await room.user("Both, please.", called, Says("Well."))
            await until(lambda: "Well." in room.model.said)

            good = [each["ok"] for each in room.outputs("weather")]
            assert [False, True] == sorted(good)
            [failed] = room.outputs("broken")
            assert (False, "The tool ran into an error.") == (failed["ok"], failed["say"])
            await until(lambda: len(room.received("response.create")) == 1)

    asyncio.run(scenario())


def test_a_slow_tool_is_bridged_with_what_it_says_of_its_progress(server: Server) -> None:
    async def scenario() -> None:
        async with talking(server, filler_seconds=0.1, filler_every_seconds=0.1) as room:
            await room.user("Wait a bit.", Calls(("linger", {"seconds": 1.5})), Says("There."))
            await until(lambda: "There." in room.model.said)

            assert "Half of it is done." in room.model.said
            assert ENGLISH.fillers[0] in room.model.said
            assert {"ok": True, "result": "done"} == room.outputs("linger")[0]
            assert [] == room.errors

    asyncio.run(scenario())


def test_barge_in_cancels_the_execution_on_the_server(server: Server) -> None:
    async def scenario() -> None:
        async with talking(server, filler="off") as room:
            await room.user("Wait.", Calls(("linger", {"seconds": 50})))
            executions = await running(room.client)

            await room.user("Stop that.", Says("Stopped."))

            assert "interrupted" == (await room.output("linger"))["error"]
            ended = await has_ended(room.client, executions[0])
            assert "cancelled" == ended.outcome.WhichOneof("kind")
            await until(lambda: "Stopped." in room.model.said)

    asyncio.run(scenario())


async def running(client: AsyncClient) -> list[str]:
    """
    Ids of executions of `linger` that run, once there are any.
    """
    for _ in range(ATTEMPTS):
        async for each in client.list_executions(state="running", tool="linger"):
            return [each.execution_id]
        await asyncio.sleep(0.05)
    raise AssertionError("nothing runs")


async def has_ended(client: AsyncClient, execution_id: str) -> pb.Execution:
    """
    An execution, once it has an outcome.
    """
    for _ in range(ATTEMPTS):
        execution = await client.get_execution(execution_id)
        if execution.HasField("outcome"):
            return execution
        await asyncio.sleep(0.05)
    raise AssertionError("it still runs")


def test_a_destructive_tool_runs_after_a_spoken_yes(server: Server) -> None:
    """
    The server asks for a confirmation of its own; the user is asked once.
    """

    async def scenario() -> None:
        async with talking(server) as room:
            await room.user("Erase my old notes.", Calls(("erase", {"which": "old"})))
            asked = await room.output("erase")
            assert "confirmation_required" == asked["error"]
            await until(lambda: any("erase with which old" in each for each in room.model.said))
            await until(lambda: room.line.active is None)

            confirmed = {"confirmation_id": asked["confirmation_id"], "phrase": "yes"}
            await room.user("Yes, please.", Calls((CONFIRM_CALL, confirmed)), Says("Done."))

            assert {"ok": True, "result": "erased old"} == await room.output(CONFIRM_CALL)
            again = Calls((CONFIRM_CALL, confirmed))
            await until(lambda: "Done." in room.model.said and room.line.active is None)
            await room.user("Yes!", again)
            assert "confirmation_used" == (await room.output(CONFIRM_CALL, 2))["error"]

    asyncio.run(scenario())


def test_a_no_runs_nothing(server: Server) -> None:
    async def scenario() -> None:
        async with talking(server) as room:
            before = [each async for each in room.client.list_executions(tool="erase")]
            await room.user("Erase all notes.", Calls(("erase", {"which": "all"})))
            asked = await room.output("erase")
            await until(lambda: any("which all" in each for each in room.model.said))
            await until(lambda: room.line.active is None)

            confirmed = {"confirmation_id": asked["confirmation_id"], "phrase": "yes"}
            await room.user("No, only the old ones!", Calls((CONFIRM_CALL, confirmed)))

            assert "confirmation_denied" == (await room.output(CONFIRM_CALL))["error"]
            assert before == [each async for each in room.client.list_executions(tool="erase")]

    asyncio.run(scenario())


def test_a_tool_that_is_registered_during_the_session_is_offered(server: Server) -> None:
    async def scenario() -> None:
        async with talking(server) as room:
            definition = {
                "name": "shout",
                "description": "Shouts.",
                "parameters": {"type": "object"},
                "argv": ["/bin/echo", '"HEY"'],
            }
            await room.client.registry.register([definition])
            try:
                await until(lambda: len(room.received("session.update")) > 1)
                offered = room.received("session.update")[-1]["session"]["tools"]
                assert "shout" in {each["name"] for each in offered}
            finally:
                await room.client.registry.unregister("shout")

    asyncio.run(scenario())
