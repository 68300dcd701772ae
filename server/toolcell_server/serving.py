"""
The gRPC server: its options, its port, its health, and its end.

Theory of operation.  SO_REUSEPORT is off: with it a second server binds the same port without an
error, and connections that land on the one that does not serve hang.  gRPC reports a bind that
failed as a RuntimeError without a reason, and writes lines of its own to standard error; so the
port is tried with a plain socket first, whose error says why.

The end, in this order: health says NOT_SERVING, so that load balancers look elsewhere; new
executions are refused, with a delay after which to retry, and hosts are told that no call comes any
more; executions that run get `drain_seconds`; the rest is cancelled as drained and told so; then
streams get a moment to take their last events.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
from grpc_health.v1 import (
    health,
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import reflection
from toolcell.v1 import execution_pb2 as pb

from toolcell_server import isolation_check, registry_service, service
from toolcell_server.addresses import Address, AddressTaken
from toolcell_server.approvals import service as approval_service
from toolcell_server.batching import service as batch_service
from toolcell_server.health_service import Health
from toolcell_server.hosts import service as host_service
from toolcell_server.rpc_metrics import MetricsInterceptor
from toolcell_server.workflows import service as workflow_service
from toolcell_server.workflows import switched_off as workflows_off

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from toolcell_server.approvals.service import ApprovalService
    from toolcell_server.batching.service import BatchService
    from toolcell_server.executions import Executions
    from toolcell_server.hosts.hosts import Hosts
    from toolcell_server.hosts.service import HostService
    from toolcell_server.metrics import Metrics
    from toolcell_server.registry_service import RegistryService
    from toolcell_server.service import ExecutionService
    from toolcell_server.settings import ServerSettings
    from toolcell_server.tls import Tls
    from toolcell_server.workflows.service import WorkflowService

MINIMUM_STREAMS: Final = 1000  # of one connection
LAST_EVENTS_SECONDS: Final = 1.0  # arbitrary; a reader that reads takes them in milliseconds
CUT_SHORT_SECONDS: Final = 3.0  # arbitrary; killing cells takes milliseconds, and the above
_SERVICES: Final = (
    service.NAME,
    registry_service.NAME,
    approval_service.NAME,
    workflow_service.NAME,
    host_service.NAME,
)
# Health is asked by name: a caller that needs a level can have its load balancer ask for it.
_LEVELS: Final = {
    f"toolcell.isolation.{isolation_check.name_of(level)}": level
    for level in (pb.ISOLATION_LEVEL_BASIC, pb.ISOLATION_LEVEL_STRONG, pb.ISOLATION_LEVEL_FULL)
}
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Clients may ping every ten seconds; gRPC's own five minutes cut off idle streams' pings.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING


class Serving:
    """
    A gRPC server that serves at `address`.
    """

    def __init__(self, server: grpc.aio.Server, checks: Health) -> None:
        self._server = server
        self._health = checks
        self.address = Address("", 0)

    async def start(self, address: Address, tls: Tls | None = None) -> None:
        """
        Listen and serve, over TLS if there are certificates.

        Raises:
            AddressTaken: the address cannot be had.
        """
        _try(address)
        try:
            if tls is None:
                port = self._server.add_insecure_port(str(address))
            else:
                port = self._server.add_secure_port(str(address), tls.credentials())
        except RuntimeError as exc:  # somebody was faster
            raise AddressTaken(address, "server.listen") from exc
        await self._server.start()
        for name in ("", *_SERVICES):
            self._health.set(name, _SERVING)
        self.address = Address(address.host, port)

    async def show_isolation(self, level: pb.IsolationLevel.ValueType) -> None:
        """
        Let health say which levels cells reach, under the names `toolcell.isolation.LEVEL`.
        """
        for name, floor in _LEVELS.items():
            reached = level >= floor
            self._health.set(name, _SERVING if reached else _NOT_SERVING)

    async def drain(
        self, executions: Executions, drain_seconds: float, hosts: Hosts | None = None
    ) -> None:
        """
        End in good order.
        """
        self._health.end()
        if hosts is not None:
            hosts.drain()
        await executions.drain(drain_seconds)
        if hosts is not None:
            hosts.close()
        await self._server.stop(LAST_EVENTS_SECONDS)

    async def cut_short(self, executions: Executions, hosts: Hosts | None = None) -> None:
        """
        End what `drain` was waiting for, and take no longer than it takes to kill cells.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CUT_SHORT_SECONDS):
                await self.drain(executions, 0, hosts)

    async def stop(self) -> None:
        """
        End now.  After `drain` it does nothing.
        """
        await self._server.stop(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """
    What is served; `begin` goes on with what the last server left, once this one listens.
    """

    executions: ExecutionService
    batches: BatchService
    tools: RegistryService
    approvals: ApprovalService
    workflows: WorkflowService | None  # None: switched off
    begin: Callable[[], None]
    hosts: HostService

    def add_to(self, server: grpc.aio.Server) -> None:
        """
        Serve them.
        """
        service.add_to(server, self.executions)
        batch_service.add_to(server, self.batches)
        registry_service.add_to(server, self.tools)
        approval_service.add_to(server, self.approvals)
        if self.workflows is None:
            workflows_off.add_to(server)
        else:
            workflow_service.add_to(server, self.workflows)
        host_service.add_to(server, self.hosts)


@contextlib.asynccontextmanager
async def serving(
    settings: ServerSettings,
    faces: Faces,
    metrics: Metrics,
    guards: Sequence[grpc.aio.ServerInterceptor],
    *,
    tls: Tls | None = None,
) -> AsyncIterator[Serving]:
    """
    A server of these services that listens as the settings say, and has ended on leaving.
    `guards` stand around every call, the outermost first.

    Raises:
        AddressTaken: the address cannot be had.
    """
    receive = ("grpc.max_receive_message_length", settings.max_receive_bytes)
    # Far above what admission lets run, so that it refuses and says why; gRPC would only wait.
    admitted = settings.max_executions + settings.queue
    streams = ("grpc.max_concurrent_streams", max(MINIMUM_STREAMS, 2 * admitted))
    server = grpc.aio.server(
        interceptors=(*guards, MetricsInterceptor(metrics)),
        options=(*_OPTIONS, receive, streams),
    )
    faces.add_to(server)
    checks = Health()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.reflection:
        names = (*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
    running = Serving(server, checks)
    try:
        await running.start(Address.parse(settings.listen), tls)
        yield running
    finally:
        await running.stop()


def _try(address: Address) -> None:
    """
    Bind and let go: the error says why gRPC could not.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        # As gRPC does: connections of a server that has just ended do not hold the port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address.host, address.port))
        except OSError as exc:
            raise AddressTaken(address, "server.listen", exc.errno or 0) from exc
