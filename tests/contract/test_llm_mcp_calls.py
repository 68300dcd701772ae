"""
What happens during a call through the bridge, and how it may end.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import mcp_bridge
import mcp_types as types
import pytest
from mcp import MCPError
from mcp_bridge import Bridged, client_of, eras, text_of, ways
from toolcell_client import Client
from waiting import until, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell.v1 import execution_pb2 as pb

CANCELLED = "cancelled"


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged")) as one:
        yield one


def running(bridged: Bridged) -> list[pb.Execution]:
    """
    What runs at the server.
    """
    with Client(bridged.target) as client:
        return list(client.list_executions(state="running"))


def ended(bridged: Bridged, execution_id: str) -> str:
    """
    How an execution ended.
    """
    with Client(bridged.target) as client:
        execution = client.get_execution(execution_id)
    return str(execution.outcome.WhichOneof("kind"))


@ways()
def test_progress_grows_and_says_what_the_tool_does(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    A tool that goes back is not followed there: a client may end the call for it.
    """
    told: list[tuple[float, float | None, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(bridged.place(transport), mode) as client:
            result = await client.call_tool("steps", {"count": 4}, progress_callback=tell)
            assert text_of(result) == "done"
            printed = result.content[1]
            assert isinstance(printed, types.TextContent)
            assert "[printed by the tool, all of it]\na word in between\n" == printed.text
            await until(lambda: len(told) >= 5)

    asyncio.run(scenario())
    assert told[:4] == [(n / 5, 1.0, f"step {n}") for n in (1, 2, 3, 4)]
    assert (0.8 < told[4][0] < 0.801, "back") == (True, told[4][2])


@eras()
def test_logs_and_partial_values_come_when_they_were_asked_for(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    And else not: the protocol forbids it.
    """
    told: list[types.LoggingMessageNotificationParams] = []

    async def tell(params: types.LoggingMessageNotificationParams) -> None:
        told.append(params)

    async def scenario() -> None:
        place = bridged.place(transport)
        async with (
            asyncio.timeout(60),
            client_of(place, mode, logging_callback=tell) as client,
        ):
            await client.call_tool("steps", {"count": 2})
            assert told == []
            meta: Any = {types.LOG_LEVEL_META_KEY: "info"}
            if mode == "legacy":
                meta = None
                params = types.SetLevelRequestParams(level="info")
                request = types.SetLevelRequest(params=params)
                await client.session.send_request(request, types.EmptyResult)
            await client.call_tool("steps", {"count": 2}, meta=meta)
            await until(lambda: len(told) >= 2)

    asyncio.run(scenario())
    assert [each.data for each in told] == [
        {"message": "it begins", "count": 2},
        {"partial": {"half": 1.0}},
    ]


@ways()
def test_a_call_that_is_cancelled_is_cancelled_at_the_server(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    By a notification, or by closing the response: nothing goes on that nobody waits for.
    """

    async def scenario() -> str:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            assert (progress, total, message) == (0.5, 1.0, "here")
            if not started.done():
                started.set_result(None)

        async with asyncio.timeout(60), client_of(bridged.place(transport), mode) as client:
            call = asyncio.create_task(client.call_tool("stay", {}, progress_callback=tell))
            await started
            [execution] = running(bridged)
            call.cancel()
            await until(lambda: running(bridged) == [])
            return execution.execution_id

    assert CANCELLED == ended(bridged, asyncio.run(scenario()))


@eras()
def test_what_fails_or_is_refused_is_an_answer_for_the_model(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    `isError` with the same object as structured content; an unknown tool alone is an error of the
    protocol.
    """

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(bridged.place(transport), mode) as client:
            for name, arguments, error, said in (
                ("fail", {}, "failed", "it broke"),
                ("double", {"number": "x"}, "arguments_invalid", "integer"),
                ("double", {}, "arguments_invalid", "required"),
                ("read_file", {"path": "/etc/passwd"}, "path_not_allowed", "/etc/passwd"),
                ("much", {"size": 2**20}, "result_too_large", "1048578 bytes"),
                ("deep", {"levels": 110}, "result_too_large", "levels deep"),
                ("broken_letters", {}, "failed", "surrogate"),
            ):
                result = await client.call_tool(name, arguments)
                told = result.structured_content
                assert (result.is_error, told["ok"], told["error"]) == (True, False, error)
                assert said in told["message"]
                assert told == json.loads(text_of(result))
            with pytest.raises(MCPError, match="did you mean double") as unknown:
                await client.call_tool("duoble", {"number": 1})
            assert types.INVALID_PARAMS == unknown.value.code

    asyncio.run(scenario())


def test_a_call_keeps_its_id_and_its_trace(bridged: Bridged) -> None:
    """
    Whoever looks at the server finds the request of the client again.
    """
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def scenario() -> str:
        async with asyncio.timeout(60), client_of(bridged.url, "auto") as client:
            meta: Any = {"traceparent": trace}
            result = await client.call_tool("double", {"number": 1}, meta=meta)
            return str((result.meta or {})["toolcell/executionId"])

    execution_id = asyncio.run(scenario())
    with Client(bridged.target) as client:
        execution = client.get_execution(execution_id)

    assert execution.call_id.isdigit()
    assert trace == execution.labels["traceparent"]


@pytest.mark.parametrize("how", ["its end of input", "SIGTERM", "SIGINT"])
def test_the_program_leaves_nothing_behind(bridged: Bridged, how: str) -> None:
    """
    However its client goes: by closing the pipe, or by a signal while a tool runs.
    """
    process = subprocess.Popen(
        mcp_bridge.command(bridged.target),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    process.stdin.write(modern("tools/call", {"name": "stay", "arguments": {}}))
    process.stdin.flush()
    wait_until(lambda: len(running(bridged)) == 1)
    [execution] = running(bridged)
    if how.startswith("SIG"):
        process.send_signal(signal.Signals[how])
        code = process.wait(30)
        output, errors = process.communicate()
    else:
        output, errors = process.communicate(timeout=30)
        code = process.returncode

    assert {"SIGTERM": 143, "SIGINT": 130}.get(how, 0) == code
    assert (b"", []) == (errors, [line for line in output.splitlines() if b"jsonrpc" not in line])
    wait_until(lambda: running(bridged) == [])
    assert CANCELLED == ended(bridged, execution.execution_id)


def modern(method: str, params: dict[str, Any]) -> bytes:
    """
    A line of the newest era.
    """
    meta = {
        types.PROTOCOL_VERSION_META_KEY: mcp_bridge.NEWEST,
        types.CLIENT_CAPABILITIES_META_KEY: {},
    }
    whole = {**params, "_meta": meta}
    return (
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": whole}).encode() + b"\n"
    )
