"""
What stands around every RPC, on a real server.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_server import SERVICE, calling, failure
from scripted_executor import run
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.metrics import Metrics
from toolcell_server.refusals import NoCapacity, UnknownTool
from toolcell_server.rpc_metrics import MetricsInterceptor, go_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UNARY = f"/{SERVICE}/Unary"
STREAM = f"/{SERVICE}/Stream"


def handled(metrics: Metrics, method: str, code: str) -> float:
    """
    How many RPCs of that method ended with that code.
    """
    kind = {"Unary": "unary", "Stream": "server_stream"}.get(method, "unary")
    service = "other" if method == "other" else SERVICE
    labels = {
        "grpc_type": kind,
        "grpc_service": service,
        "grpc_method": method,
        "grpc_code": code,
    }
    return metrics.registry.get_sample_value("grpc_server_handled_total", labels) or 0


def both(metrics: Metrics) -> tuple[grpc.aio.ServerInterceptor, ...]:
    return ErrorInterceptor(), MetricsInterceptor(metrics)


def test_a_fault_is_logged_with_traceback_under_the_id_that_the_caller_got(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    A user reports the id, and the operator finds the cause by it.
    """

    async def handler(_request: bytes, _context: Any) -> bytes:
        raise ValueError("the secret is hunter2")

    async def scenario() -> str:
        async with calling(ErrorInterceptor(), unary=handler) as channel:
            return str((await failure(channel.unary_unary(UNARY)(b""))).details())

    with caplog.at_level(logging.ERROR):
        details = run(scenario())
    (record,) = [one for one in caplog.records if one.name == "toolcell_server.calls.refusing"]

    assert record.getMessage().split()[1] in details
    assert record.exc_info is not None
    assert "hunter2" in str(record.exc_info[1])


def test_a_stream_that_fails_keeps_what_was_sent_before() -> None:
    """
    Output that was streamed stays valid, whatever comes after.
    """

    async def handler(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"
        raise UnknownTool("x")

    async def scenario() -> tuple[list[bytes], grpc.StatusCode]:
        async with calling(ErrorInterceptor(), stream=handler) as channel:
            call = channel.unary_stream(STREAM)(b"")
            seen = [await call.read(), await call.read()]
            return seen, (await failure(call.read())).code()

    assert run(scenario()) == ([b"one", b"two"], grpc.StatusCode.NOT_FOUND)


@pytest.mark.parametrize("waits_at", ["yield", "await"])
def test_a_cancelled_stream_cleans_up_at_once_and_is_no_error(
    waits_at: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A reader that goes must free what the handler holds now, not when garbage is collected; and it
    is nobody's fault.
    """

    async def scenario() -> float:
        cleaned = asyncio.Event()

        async def handler(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
            try:
                yield b"begun"
                while waits_at == "yield":
                    yield b"x" * 65536
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)  # cleaning up takes an await, as it does in earnest
                cleaned.set()

        metrics = Metrics()
        async with calling(*both(metrics), stream=handler) as channel:
            call = channel.unary_stream(STREAM)(b"")
            assert await call.read() == b"begun"
            call.cancel()
            await cleaned.wait()
        return handled(metrics, "Stream", "Canceled")

    with caplog.at_level(logging.WARNING):
        assert run(scenario()) == 1
    assert [one for one in caplog.records if one.name.startswith("toolcell")] == []


def test_an_unknown_method_is_unimplemented_and_one_label() -> None:
    """
    Anybody can call any name; each as a label of its own would fill the memory.
    """

    async def scenario() -> tuple[grpc.StatusCode, Metrics]:
        metrics = Metrics()
        async with calling(*both(metrics)) as channel:
            for number in range(3):
                error = await failure(channel.unary_unary(f"/{SERVICE}/No{number}")(b""))
        return error.code(), metrics

    code, metrics = run(scenario())

    assert code == grpc.StatusCode.UNIMPLEMENTED
    assert handled(metrics, "other", "Unimplemented") == 3


def test_rpcs_are_counted_by_the_code_that_the_caller_sees() -> None:
    """
    The alert on errors reads these.
    """

    async def scenario() -> Metrics:
        metrics, expired = Metrics(), asyncio.Event()

        async def handler(request: bytes, context: Any) -> bytes:
            match request:
                case b"refused":
                    raise NoCapacity(1.0)
                case b"fault":
                    raise ValueError
                case b"aborted":
                    await context.abort(grpc.StatusCode.DATA_LOSS, "gone")
                case b"slow":
                    try:
                        await asyncio.Event().wait()
                    finally:
                        expired.set()
            return b"fine"

        async with calling(*both(metrics), unary=handler) as channel:
            call = channel.unary_unary(UNARY)
            await call(b"")
            for request in (b"refused", b"fault", b"aborted"):
                await failure(call(request))
            await failure(call(b"slow", timeout=0.05))
            await expired.wait()  # the server learns of it after the caller
        return metrics

    metrics = run(scenario())

    for code in ("OK", "Unavailable", "Internal", "DataLoss", "DeadlineExceeded"):
        assert handled(metrics, "Unary", code) == 1, code
    labels = {"reason": "NO_CAPACITY"}
    assert metrics.registry.get_sample_value("toolcell_refusals_total", labels) == 1


def test_messages_of_a_stream_are_counted() -> None:
    """
    Messages over RPCs tell a chatty tool from a busy server.
    """

    async def handler(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x"

    async def scenario() -> Metrics:
        metrics = Metrics()
        async with calling(*both(metrics), stream=handler) as channel:
            assert len([message async for message in channel.unary_stream(STREAM)(b"")]) == 5
        return metrics

    labels = {"grpc_type": "server_stream", "grpc_service": SERVICE, "grpc_method": "Stream"}
    metrics = run(scenario())

    assert metrics.registry.get_sample_value("grpc_server_msg_sent_total", labels) == 5
    assert metrics.registry.get_sample_value("grpc_server_handling_seconds_count", labels) == 1


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (grpc.StatusCode.OK, "OK"),
        (grpc.StatusCode.CANCELLED, "Canceled"),
        (grpc.StatusCode.INVALID_ARGUMENT, "InvalidArgument"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DeadlineExceeded"),
    ],
)
def test_codes_are_spelled_as_existing_dashboards_spell_them(
    code: grpc.StatusCode, name: str
) -> None:
    """
    go-grpc-prometheus came first.
    """
    assert name == go_name(code)
