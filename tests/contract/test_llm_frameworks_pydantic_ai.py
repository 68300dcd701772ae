"""
The toolset of Pydantic AI against a whole server.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from framework_place import BuiltIn, built_in, nothing_runs, running, secret
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, ToolDenied
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import (
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel
from toolcell_client import AsyncClient, Client
from toolcell_client.formats import OfferedTool
from toolcell_client.frameworks.pydantic_ai import ToolcellToolset
from toolcell_client.loops.approving import Approve
from turn_place import TurnPlace
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltIn]:
    built = built_in(tmp_path_factory.mktemp("built"))
    with built.server:
        yield built


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnPlace]:
    place = TurnPlace(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


@pytest.fixture
def alice(place: TurnPlace) -> Iterator[Client]:
    with place.client("alice") as client:
        yield client


class Script:
    """
    A model that makes the calls of one turn after the other, and then says "Done.".  `told` is what
    it was told of each call, `tools` the definitions.
    """

    def __init__(self, *turns: list[tuple[str, str, Any]]) -> None:
        self.turns, self.told, self.tools = list(turns), dict[str, str](), dict[str, Any]()

    def says(self, messages: list[Any], info: AgentInfo) -> ModelResponse:
        self.tools = {each.name: each for each in info.function_tools}
        for part in (part for message in messages for part in message.parts):
            if isinstance(part, ToolReturnPart):
                self.told[part.tool_call_id] = part.model_response_str()
            elif isinstance(part, RetryPromptPart):
                self.told[part.tool_call_id] = part.model_response()
        if not self.turns:
            return ModelResponse(parts=[TextPart("Done.")])
        return ModelResponse(
            parts=[
                ToolCallPart(name, arguments, tool_call_id=call_id)
                for call_id, name, arguments in self.turns.pop(0)
            ]
        )

    @property
    def model(self) -> FunctionModel:
        return FunctionModel(self.says)


def run(script: Script, client: Client, *names: str, **options: Any) -> Any:
    made: Any = Agent(script.model, toolsets=[ToolcellToolset(client, *names, **options)])
    return asyncio.run(made.run("Go."))


def test_every_built_in_tool(built: BuiltIn) -> None:
    calls = [(name, name, arguments) for name, (arguments, _) in built.calls.items()]
    script = Script(calls)
    with Client(built.server.target) as client:
        assert run(script, client).output == "Done."
        listed = {each.name: each for each in client.list_tools()}
    assert set(script.tools) == set(built.calls)
    for name, (_, words) in built.calls.items():
        assert words in script.told[name], name
        schema = script.tools[name].parameters_json_schema
        assert schema == json.loads(listed[name].parameters_json)


def test_every_built_in_tool_with_an_asynchronous_client(built: BuiltIn) -> None:
    script = Script([(name, name, arguments) for name, (arguments, _) in built.calls.items()])

    async def all_of_them() -> None:
        async with AsyncClient(built.server.target) as client:
            agent: Any = Agent(script.model, toolsets=[ToolcellToolset(client)])
            await agent.run("Go.")

    asyncio.run(all_of_them())
    for name, (_, words) in built.calls.items():
        assert words in script.told[name], name


def test_the_frameworks_own_test_model(alice: Client) -> None:
    """
    It makes arguments from the schema, and calls every tool.
    """
    toolset: Any = ToolcellToolset(alice, "rows", "table")
    agent: Any = Agent(TestModel(), toolsets=[toolset])
    output = asyncio.run(agent.run("Go.")).output
    assert set(json.loads(output)) == {"rows", "table"}


def test_what_fails_is_told_and_arguments_are_repaired(alice: Client) -> None:
    script = Script(
        [
            ("a", "rows", {"count": 1}),
            ("b", "fails", {"row": 7}),
            ("c", "table", {"unit": "Kelvn"}),
        ],
        [("d", "table", {"unit": "kelvin"})],
    )
    run(script, alice, "rows", "fails", "table")
    assert json.loads(script.told["a"]) == [{"name": "row 0 ä"}]
    assert "no row 7" in script.told["b"]
    assert "kelvin" in script.told["c"]
    assert script.told["d"] == "kelvin"


def test_repairs_have_an_end(alice: Client) -> None:
    wrong = [[("a", "table", {"unit": "x"})] for _ in range(4)]
    with pytest.raises(UnexpectedModelBehavior, match="table"):
        run(Script(*wrong), alice, "table", max_retries=2)


def test_a_tool_that_is_gone_is_told(alice: Client) -> None:
    gone = OfferedTool(name="gone", parameters={"type": "object"}, version="1.0.0")
    script = Script([("a", "gone", {}), ("b", "never", {})])
    run(script, alice, toolset=alice.toolset("rows").with_tools([gone]))
    assert "unknown_tool" in script.told["a"]
    assert "never" in script.told["b"]


def deferring(script: Script, toolset: Any) -> Any:
    return Agent(script.model, toolsets=[toolset], output_type=[str, DeferredToolRequests])


@pytest.mark.parametrize("restarted", [False, True])
def test_a_run_is_deferred_for_a_person_and_goes_on(alice: Client, restarted: bool) -> None:
    before = len(list(alice.list_executions(tool="mail")))
    script = Script([("a", "mail", {"to": "bob"}), ("b", "mail", {"to": "eve"})])
    toolset: Any = ToolcellToolset(alice, "mail")
    stopped = asyncio.run(deferring(script, toolset).run("Mail."))
    asked = stopped.output
    assert [each.tool_call_id for each in asked.approvals] == ["a", "b"]
    assert asked.metadata["a"]["kind"] == "confirm"
    assert secret(toolset._asked, (asked, stopped.all_messages()))
    assert len(list(alice.list_executions(tool="mail"))) == before
    results = DeferredToolResults(approvals={"a": True, "b": ToolDenied("not her")})
    if restarted:
        toolset = ToolcellToolset(alice, "mail")
    history = stopped.all_messages()
    done = deferring(script, toolset).run(message_history=history, deferred_tool_results=results)
    assert asyncio.run(done).output == "Done."
    assert script.told == {"a": "sent to bob", "b": "not her"}
    assert len(list(alice.list_executions(tool="mail"))) == before + 1


def test_another_principal_says_yes(place: TurnPlace, alice: Client) -> None:
    place.file.write_text("precious")
    script = Script([("a", "wipe", {"path": str(place.file)})])
    agent = deferring(script, ToolcellToolset(alice, "wipe"))
    stopped = asyncio.run(agent.run("Wipe."))

    def resumed(stopped: Any) -> Any:
        results = DeferredToolResults(approvals={"a": True})
        history = stopped.all_messages()
        return asyncio.run(agent.run(message_history=history, deferred_tool_results=results))

    again = resumed(stopped)
    assert again.output.approvals
    assert place.file.read_text() == "precious"
    with place.client("boss") as boss:
        boss.approvals.approve(stopped.output.metadata["a"]["approval_id"])
    assert resumed(again).output == "Done."
    assert script.told["a"] == "wiped"


def test_a_callback_is_asked_instead(alice: Client) -> None:
    script = Script([("a", "mail", {"to": "bob"})])
    run(script, alice, "mail", approve=lambda _: Approve())
    assert script.told["a"] == "sent to bob"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_to_cancel_leaves_nothing_running(place: TurnPlace, alice: Client, kind: str) -> None:
    async def cancelled() -> None:
        async with place.async_client("alice") as client:
            chosen = alice if kind == "sync" else client
            toolset: Any = ToolcellToolset(chosen, "sleep")
            agent: Any = Agent(Script([("a", "sleep", {})]).model, toolsets=[toolset])
            task = asyncio.ensure_future(agent.run("Sleep."))
            await until(lambda: running(alice) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # While the loop goes on: its end would close what was left open.
            await until(lambda: running(alice) == 0, 20)

    asyncio.run(cancelled())
    assert nothing_runs(alice)
