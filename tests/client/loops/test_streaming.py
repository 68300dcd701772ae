"""
A turn that streams: text and executions as they happen, and what is left when somebody leaves.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_client import AsyncClient, Client
from toolcell_client.formats import RawCall, ToolCall
from toolcell_client.loops.events import (
    Answered,
    CallReady,
    ExecutionEvent,
    TextDelta,
    TurnEnded,
)
from toolcell_client.loops.executing import EVENTS_WAITING, Executing
from toolcell_client.loops.planning import Planned, Way
from toolcell_client.loops.settings import TurnSettings
from toolcell_client.loops.turn_state import Run
from toolcell_client.testing import HOLD, completed, progress, stdout
from turning import HALF, streamed
from waiting import until, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from toolcell_client.loops.events import TurnEvent
    from toolcell_client.testing import FakeServer

Calls = tuple[tuple[str, str, Any], ...]
CALLS: Calls = (("a", "slow", {}), ("b", "fast", {}))


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("toolcell-call")]


def test_what_happens_is_told_as_it_happens(server: FakeServer, client: Client) -> None:
    server.tool("slow", progress(0.5, "half"), stdout(b"x"), completed(1))
    server.tool("fast", completed(2))
    stream = client.run_tool_calls("openai-responses", streamed(*CALLS, text="hello"), stream=True)
    events = list(stream)
    assert "".join(each.text for each in events if isinstance(each, TextDelta)) == "hello"
    assert [each.call.tool for each in events if isinstance(each, CallReady)] == ["slow", "fast"]
    of_slow = [
        each.kind
        for each in events
        if isinstance(each, ExecutionEvent) and each.call.tool == "slow"
    ]
    assert of_slow == ["accepted", "started", "progress", "output", "finished"]
    assert len([each for each in events if isinstance(each, Answered)]) == 2
    assert isinstance(events[-1], TurnEnded)
    assert [each.value for each in stream.result.answers] == [1, 2]
    assert [each["call_id"] for each in stream.result.messages] == ["a", "b"]
    assert stream.result.turn.text == "hello"


def test_a_call_runs_while_the_model_still_speaks(server: FakeServer, client: Client) -> None:
    """
    The response does not go on before the first call of it has begun.
    """
    server.tool("slow", completed(1))
    server.tool("fast", completed(2))

    def speaking() -> Iterator[dict[str, Any]]:
        for event in streamed(*CALLS):
            if event.get("output_index") == 2:
                server.wait_for(lambda: bool(server.requests))
            yield event

    stream = client.run_tool_calls("openai-responses", speaking(), stream=True)
    assert [each.value for each in stream.until_ended().answers] == [1, 2]


def test_not_early_a_call_waits_for_the_end(server: FakeServer, client: Client) -> None:
    server.tool("slow", completed(1))
    server.tool("fast", completed(2))
    sent_before_the_end = []

    def speaking() -> Iterator[dict[str, Any]]:
        yield from streamed(*CALLS)
        sent_before_the_end.extend(server.requests)

    stream = client.run_tool_calls("openai-responses", speaking(), stream=True, early=False)
    assert [each.value for each in stream.until_ended().answers] == [1, 2]
    assert sent_before_the_end == []


@pytest.mark.parametrize("status", ["incomplete", None])
def test_what_began_before_the_cut_keeps_its_answer(
    status: str | None, server: FakeServer, client: Client
) -> None:
    server.tool("slow", completed(1))
    server.tool("fast", completed(2))
    calls: Calls = (("a", "slow", {}), ("b", "fast", HALF))
    stream = client.run_tool_calls("openai-responses", streamed(*calls, status=status), stream=True)
    done = stream.until_ended()
    assert [each.failed for each in done.answers] == [False, True]
    assert [each.tool for each in server.requests] == ["slow"]


def test_what_was_not_allowed_does_not_run_in_a_stream(server: FakeServer, client: Client) -> None:
    server.tool("slow", completed(1))
    server.tool("fast", completed(2))
    stream = client.run_tool_calls("openai-responses", streamed(*CALLS), stream=True, only=["fast"])
    assert [each.failed for each in stream.until_ended().answers] == [True, False]
    assert [each.tool for each in server.requests] == ["fast"]


@pytest.mark.parametrize("leave", ["close", "drop", "error"])
def test_who_leaves_leaves_nothing_running(leave: str, server: FakeServer, client: Client) -> None:
    server.tool("slow", HOLD)
    server.tool("fast", HOLD)

    def speaking() -> Iterator[dict[str, Any]]:
        yield from streamed(*CALLS)
        server.wait_for(lambda: len(server.executions) == 2)
        if leave == "error":
            raise ConnectionError("the provider is gone")

    stream = client.run_tool_calls("openai-responses", speaking(), stream=True)
    if leave == "error":
        with pytest.raises(ConnectionError):
            stream.until_ended()
    else:
        while not isinstance(next(stream), ExecutionEvent):
            pass
        server.wait_for(lambda: len(server.executions) == 2)
        stream.close() if leave == "close" else None
        del stream
    server.wait_for(lambda: len(set(server.cancels)) == 2)
    assert threads() == []


def test_a_slow_reader_stops_the_reading(server: FakeServer, client: Client) -> None:
    """
    No more events wait than there is room for, and threads that wait to add one go when told.
    """
    server.tool("slow", *[stdout(b"x" * 1000)] * 5000, completed(1))
    call = ToolCall(raw=RawCall(call_id="a", name="slow", arguments={}), tool="slow")
    executing = Executing(client, TurnSettings())
    executing.begin(Run(Planned(place=0, call=call, way=Way.RUN)))
    wait_until(lambda: executing.waiting == EVENTS_WAITING)
    executing.close()
    assert threads() == []


def test_in_an_event_loop(server: FakeServer) -> None:
    """
    Text, and executions while the model is silent, in the order in which they happen.
    """
    server.tool("slow", progress(0.5), HOLD, completed(1))
    server.tool("fast", completed(2))
    seen: list[str] = []

    def note(event: TurnEvent) -> None:
        if isinstance(event, ExecutionEvent):
            seen.append(event.kind)

    async def speaking() -> AsyncIterator[dict[str, Any]]:
        for event in streamed(*CALLS, text="hello"):
            yield event
            if event["type"] == "response.output_item.done" and event["output_index"] == 1:
                await until(lambda: "progress" in seen)
        server.release("slow")

    async def turn() -> list[Any]:
        async with AsyncClient(server.target) as client:
            stream = await client.run_tool_calls("openai-responses", speaking(), stream=True)
            async for event in stream:
                note(event)
            return [each.value for each in stream.result.answers]

    assert asyncio.run(turn()) == [1, 2]


@pytest.mark.parametrize("leave", ["close", "drop", "cancel"])
def test_who_leaves_an_event_loop_leaves_nothing_running(leave: str, server: FakeServer) -> None:
    server.tool("slow", HOLD)
    server.tool("fast", HOLD)

    async def turn() -> None:
        async with AsyncClient(server.target) as client:
            stream = await client.run_tool_calls("openai-responses", streamed(*CALLS), stream=True)
            if leave != "cancel":
                while not isinstance(await anext(stream), ExecutionEvent):
                    pass
                await until(lambda: len(server.executions) == 2)
                if leave == "close":
                    await stream.aclose()
                del stream
                await until(lambda: len(set(server.cancels)) == 2)
            else:
                task = asyncio.ensure_future(stream.until_ended())
                await until(lambda: len(server.executions) == 2)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await until(lambda: len(asyncio.all_tasks()) <= 2)  # the test's own, and gRPC's

    asyncio.run(turn())
    server.wait_for(lambda: len(set(server.cancels)) == 2)


@pytest.mark.parametrize("early", [True, False])
def test_a_cancelled_response_cancels_what_runs(
    early: bool, server: FakeServer, client: Client
) -> None:
    """
    What has not begun does not begin.
    """
    server.tool("slow", HOLD)
    server.tool("fast", HOLD)
    calls: Calls = (("a", "slow", {}), ("b", "fast", HALF))
    stream = client.run_tool_calls(
        "openai-responses", streamed(*calls, status="cancelled"), stream=True, early=early
    )
    errors = [each.value["error"] for each in stream.until_ended().answers]
    first = "cancelled(requested)" if server.executions else "cancelled"
    assert errors == [first, "cancelled"]
    assert set(server.cancels) == set(server.executions)
    assert early or not server.requests
