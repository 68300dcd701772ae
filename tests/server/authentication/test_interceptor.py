"""
The interceptor over a real socket: what is let through, as whom, and what is not even read.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from authenticated import Doorman, bearer, people
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_server import SERVICE, calling, failure
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry
from scripted_executor import run
from served import all_of
from toolcell_server import principal
from toolcell_server.authentication.failure import Kind
from toolcell_server.authentication.noticing import PERIOD_SECONDS, Noticing
from toolcell_server.authentication_metrics import AuthenticationMetrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UNARY, STREAM = f"/{SERVICE}/Unary", f"/{SERVICE}/Stream"
REFUSED = grpc.StatusCode.UNAUTHENTICATED


async def name(_request: bytes, _context: Any) -> bytes:
    await asyncio.sleep(0)  # others run in between
    caller = principal.current()
    return f"{caller.name} {caller.origin.split(':')[0]}".encode()


async def names(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
    for _ in range(3):
        await asyncio.sleep(0)
        yield principal.current().name.encode()


def test_each_call_is_of_its_own_principal() -> None:
    """
    Also when many run at once on one connection.
    """

    async def scenario() -> None:
        doorman = Doorman(*people("alice", "bob"))
        async with calling(doorman.interceptor, unary=name, stream=names) as channel:
            unary, stream = channel.unary_unary(UNARY), channel.unary_stream(STREAM)
            for _ in range(20):
                calls = [unary(b"", metadata=bearer(who)) for who in ("alice", "bob")]
                assert [b"alice ipv4", b"bob ipv4"] == list(await asyncio.gather(*calls))
            streams = [stream(b"", metadata=bearer(who)) for who in ("bob", "alice")]
            heard = await asyncio.gather(*map(all_of, streams))
            assert [[b"bob"] * 3, [b"alice"] * 3] == heard
        assert principal.current() is principal.ANYBODY

    run(scenario())


def test_who_is_not_known_reaches_no_handler_and_no_message_of_his_is_read() -> None:
    """
    A message is up to 16 MiB, and parsing it is work for strangers.
    """
    read: list[bytes] = []

    async def scenario() -> None:
        doorman = Doorman(*people("alice"))

        async def never(request: bytes, _context: Any) -> bytes:
            read.append(request)
            return b""

        async with calling(doorman.interceptor, unary=never) as channel:
            call = channel.unary_unary(UNARY)
            for metadata in ((), bearer("mallory"), bearer("alice") * 2):
                error = await failure(call(b"x" * 3_000_000, metadata=metadata))
                assert REFUSED is error.code()
            await call(b"", metadata=bearer("alice"))
        assert [1, 1, 1] == [doorman.failures(k) for k in ("none", "unknown_token", "repeated")]

    run(scenario())

    assert [b""] == read


def test_refusals_are_alike_and_tell_no_more_than_three_things() -> None:
    """
    Nothing sent, not valid, expired; and methods that do not exist are refused like those that do.
    """

    async def told(channel: Any, method: str, metadata: Any) -> tuple[str, ErrorInfo]:
        error = await failure(channel.unary_unary(method)(b"", metadata=metadata))
        info = ErrorInfo()
        [detail] = rpc_status.from_call(error).details
        detail.Unpack(info)
        return error.details() or "", info

    async def scenario() -> None:
        async with calling(Doorman(*people("alice")).interceptor, unary=name) as channel:
            bad = [bearer("mallory"), bearer("alice") * 2, (("authorization", "Basic x"),)]
            answers = [await told(channel, method, b) for method in (UNARY, "/a/B") for b in bad]
            assert [answers[0]] * 6 == answers
            _, info = answers[0]
            assert ("UNAUTHENTICATED", "invalid") == (info.reason, info.metadata["cause"])
            _, missing = await told(channel, UNARY, ())
            assert "missing" == missing.metadata["cause"]
            assert set(info.metadata) == set(missing.metadata)
            known = await failure(channel.unary_unary("/a/B")(b"", metadata=bearer("alice")))
            assert grpc.StatusCode.UNIMPLEMENTED is known.code()

    run(scenario())


def test_a_stream_is_refused_before_its_first_event() -> None:
    """
    Whatever a client expects, it reads the status.
    """

    async def scenario() -> None:
        async with calling(Doorman(*people("a")).interceptor, stream=names) as channel:
            stream = channel.unary_stream(STREAM)(b"")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stream.read()
            assert REFUSED is refused.value.code()

    run(scenario())


def test_health_is_asked_without_credentials_and_nothing_beside_it() -> None:
    """
    Load balancers have none.
    """

    async def scenario() -> None:
        interceptor = Doorman(*people("alice")).interceptor
        server = grpc.aio.server(interceptors=[interceptor], options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest())
            assert health_pb2.HealthCheckResponse.SERVING == answer.status
            async for each in stub.Watch(health_pb2.HealthCheckRequest()):
                assert health_pb2.HealthCheckResponse.SERVING == each.status
                break
            for method in (
                "/grpc.health.v1.Health/List",
                "/grpc.health.v1.Health/check",
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            ):
                call: Any = channel.unary_unary(method)
                assert REFUSED is (await failure(call(b""))).code()
        await server.stop(None)

    run(scenario())


def test_a_fault_of_ours_lets_nobody_in_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    GRPC would send the text of the exception.  The audit hears of it.
    """
    recorded: list[str] = []

    class Broken:
        async def by_metadata(self, _metadata: Any) -> None:
            if not self.late:
                raise RuntimeError("secret detail")

        def by_connection(self, _peer: Any) -> None:
            raise RuntimeError("secret detail")

        late = False

    async def scenario() -> None:
        interceptor, broken = Doorman().interceptor, Broken()
        interceptor._authenticator = broken  # type: ignore[assignment]
        interceptor._failed = lambda error_id, *_: recorded.append(error_id)
        async with calling(interceptor, unary=name, stream=names) as channel:
            for broken.late in (False, True):
                for call in (
                    channel.unary_unary(UNARY)(b""),
                    channel.unary_stream(STREAM)(b"").read(),
                ):
                    error = await failure(call)
                    assert grpc.StatusCode.INTERNAL is error.code()
                    assert "secret" not in str(error)

    with caplog.at_level(logging.ERROR):
        run(scenario())

    assert "secret detail" in caplog.text
    assert 4 == len(recorded)
    assert all(error_id in caplog.text for error_id in recorded)


def test_the_log_has_one_line_a_kind_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """
    Or whoever may connect could fill the disk.
    """
    now, metrics = 0.0, AuthenticationMetrics(CollectorRegistry())
    noticing = Noticing(metrics, lambda: now)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            noticing.note(Kind.NONE, "ipv4:127.0.0.1:1")
        noticing.note(Kind.EXPIRED, "ipv4:127.0.0.1:1")
        now += PERIOD_SECONDS
        noticing.note(Kind.NONE, "ipv4:127.0.0.1:1")
    said = [record.__dict__["fields"] for record in caplog.records]

    assert [("none", 0), ("expired", 0), ("none", 99)] == [(f["kind"], f["unsaid"]) for f in said]


def test_the_metric_tells_how_many_sources_are_broken() -> None:
    """
    Of two files of tokens, one that is mended must not hide the other.
    """
    registry = CollectorRegistry()
    metrics = AuthenticationMetrics(registry)
    one, other = metrics.failing("tokens"), metrics.failing("tokens")
    seen = []
    for tell, failing in ((one, True), (one, True), (other, True), (one, False), (other, False)):
        tell(failing)
        seen.append(registry.get_sample_value("toolcell_reload_failed", {"what": "tokens"}))

    assert [1, 1, 2, 1, 0] == seen
