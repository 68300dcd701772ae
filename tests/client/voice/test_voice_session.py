"""
A session's connections, its bounds and its end, over gRPC to a fake server.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import websockets
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from realtime_events import calls, done, error, item, item_done, speech
from toolcell.v1 import registry_pb2
from toolcell_client import AsyncClient
from toolcell_client.formats import Toolset
from toolcell_client.testing import HOLD, FakeServer, completed, progress
from toolcell_client.voice import VoiceOptions, VoiceSession
from toolcell_client.voice.session import MOST_UNSENT, NobodySends
from voice_wire import Wire, served
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def session(
    server: FakeServer, scenario: Callable[[VoiceSession], Awaitable[None]], **how: Any
) -> None:
    async def whole() -> None:
        async with AsyncClient(server.target) as client, VoiceSession(client, **how) as voice:
            await scenario(voice)

    asyncio.run(whole())


def test_two_callables_are_a_connection(server: FakeServer) -> None:
    server.tool("look", completed({"seen": 1}))

    async def scenario(voice: VoiceSession) -> None:
        wire = Wire()
        async with served(voice, (wire.receive, wire.send)):
            wire.feed(*calls("r1", item("c1")))
            assert {"ok": True, "result": {"seen": 1}} == await wire.answered("c1")
            await until(lambda: wire.count("response.create") == 1)

    session(server, scenario)


def test_a_websocket_is_a_connection(server: FakeServer) -> None:
    """
    A real one, with JSON texts, and one text that is none.
    """
    server.tool("look", completed(1))
    errors: list[Any] = []
    sent: list[Any] = []

    async def provider(socket: Any) -> None:
        await socket.send("{no json")
        for each in calls("r1", item("c1")):
            await socket.send(json.dumps(each))
        while not sent or sent[-1]["type"] != "response.create":
            sent.append(json.loads(await socket.recv()))

    async def scenario(voice: VoiceSession) -> None:
        async with websockets.serve(provider, "127.0.0.1", 0) as listening:
            port = next(iter(listening.sockets)).getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}") as socket:
                await voice.serve(socket)

    session(server, scenario, on_error=errors.append)
    assert ["session.update", "conversation.item.create", "response.create"] == [
        each["type"] for each in sent
    ]
    assert "no_json" in {each["type"] for each in errors if isinstance(each, dict)}


def test_events_can_be_handed_in_one_by_one_and_may_be_the_sdks(server: FakeServer) -> None:
    server.tool("look", completed(1))
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)

    async def scenario(voice: VoiceSession) -> None:
        for each in calls("r1", item("c1")):
            await voice.handle(adapter.validate_python(each))
        kinds = []
        async for event in voice.outgoing():
            kinds.append(event["type"])
            if len(kinds) == 3:
                break
        assert ["session.update", "conversation.item.create", "response.create"] == kinds

    session(server, scenario)


def test_a_program_hears_every_event_and_every_error(server: FakeServer) -> None:
    heard: list[Any] = []
    errors: list[Any] = []

    async def hear(event: Any) -> None:
        heard.append(event["type"])

    async def scenario(voice: VoiceSession) -> None:
        wire = Wire()
        wire.feed(error("invalid_value"), None)
        await voice.serve((wire.receive, wire.send))

    session(server, scenario, on_event=hear, on_error=errors.append)
    assert ["error"] == heard
    assert "invalid_value" in {each.get("code") for each in errors if isinstance(each, dict)}


def test_what_is_no_connection_is_said(server: FakeServer) -> None:
    async def scenario(voice: VoiceSession) -> None:
        with pytest.raises(TypeError, match=r"client\.realtime\.connect"):
            await voice.serve(object())

    session(server, scenario)


def test_a_session_is_entered_before_it_is_used(server: FakeServer) -> None:
    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            with pytest.raises(RuntimeError, match="async with"):
                await VoiceSession(client).handle(speech("u1"))

    asyncio.run(scenario())


def test_nobody_who_sends_is_noticed(server: FakeServer) -> None:
    async def flood(voice: VoiceSession) -> None:
        for number in range(MOST_UNSENT + 2):
            one = {**item("c1", "nope"), "call_id": f"c{number}"}
            await voice.handle(item_done("r1", one))

    async def scenario(voice: VoiceSession) -> None:
        with pytest.raises(NobodySends, match="outgoing"):
            await flood(voice)

    session(server, scenario)


def test_the_end_of_a_session_cancels_its_executions(server: FakeServer) -> None:
    server.tool("look", progress(0.5, "half"), HOLD, completed(1))

    async def scenario(voice: VoiceSession) -> None:
        for each in calls("r1", item("c1")):
            await voice.handle(each)
        await until(lambda: bool(server.executions))

    session(server, scenario)
    assert list(server.executions) == server.cancels


def test_barge_in_cancels_the_execution(server: FakeServer) -> None:
    server.tool("look", progress(0.5), HOLD, effects=registry_pb2.EFFECTS_WRITES)

    async def scenario(voice: VoiceSession) -> None:
        for each in calls("r1", item("c1")):
            await voice.handle(each)
        await until(lambda: bool(server.executions))
        await voice.handle(speech("u1"))
        await until(lambda: bool(server.cancels))

    session(server, scenario)


def test_silence_is_noticed_by_the_sessions_own_clock(server: FakeServer) -> None:
    server.tool("look", progress(0.5, "Half."), HOLD, completed(1))
    lines: list[str] = []

    async def scenario(voice: VoiceSession) -> None:
        for each in calls("r1", item("c1")):
            await voice.handle(each)
        await until(lambda: lines == ["Half."])

    options = VoiceOptions(filler="callback", filler_seconds=0.05)
    session(server, scenario, options=options, on_filler=lines.append)


def test_the_tools_are_chosen_by_name_and_others_are_reported(server: FakeServer) -> None:
    """
    Nobody hears why a tool with a misspelt name is never called.
    """
    reported: list[Any] = []
    for name in ("look", "write", "old"):
        server.tool(name, completed(1), deprecated="use look" if name == "old" else "")

    async def scenario() -> None:
        async with (
            AsyncClient(server.target) as client,
            VoiceSession(client, "look", "old", "wrte", on_error=reported.append) as voice,
        ):
            async for event in voice.outgoing():
                tools = event["session"]["tools"]
                assert ["look", "confirm_call"] == [each["name"] for each in tools]
                break

    asyncio.run(scenario())
    old, misspelt = map(str, reported)
    assert "it is deprecated" in old
    assert "close: write" in misspelt


def test_hostile_call_ids_meet_nothing_of_ours(server: FakeServer) -> None:
    """
    Tasks have names of their own, and an id may be any text.
    """
    server.tool("look", completed(1))
    ids = ["tick", "watch", "follow", "x" * 5000, "\u00e4" * 200, "\x00"]

    async def scenario(voice: VoiceSession) -> None:
        wire = Wire()
        async with served(voice, (wire.receive, wire.send)):
            items = [item(each, "look", id=f"i{n}") for n, each in enumerate(ids)]
            wire.feed(*calls("r1", *items))
            await until(lambda: len(wire.outputs) == len(ids))
            await until(lambda: wire.count("response.create") == 1)
            wire.feed(done("r2"))

    session(server, scenario)
    sent = {each.call_id for each in server.requests}
    assert len(sent) == len(ids)
    assert all(each.isprintable() and len(each.encode()) <= 256 for each in sent)


def test_a_tool_that_cannot_be_offered_is_left_out_and_reported(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whatever makes a definition impossible, it must not end a conversation.
    """
    server.tool("look", completed(1))
    server.tool("odd", completed(1))
    definitions = Toolset.definitions
    errors: list[Any] = []

    def refuse(self: Any, provider: str) -> list[dict[str, Any]]:
        if list(self.tools) == ["odd"]:
            raise ValueError("odd cannot be offered")
        return definitions(self, provider)

    monkeypatch.setattr(Toolset, "definitions", refuse)

    async def scenario(voice: VoiceSession) -> None:
        async for event in voice.outgoing():
            tools = event["session"]["tools"]
            assert ["look", "confirm_call"] == [each["name"] for each in tools]
            break

    session(server, scenario, on_error=errors.append)
    assert "odd cannot be offered" in map(str, errors)
