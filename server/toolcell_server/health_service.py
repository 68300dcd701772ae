"""
The gRPC face of health, which is all that a caller without credentials reaches.

Theory of operation.  In place of the servicer of grpcio-health-checking, for two reasons that were
found by attacking it.  It keeps the request of each `Watch`, megabytes if its caller likes, for as
long as the stream lives; a hundred of them were 1.5 GB.  And it holds a lock while it writes to a
watcher: one that does not read holds up all others, and whoever sets a status, which is how a drain
begins.  Here names and streams are bounded, and nobody waits for a watcher.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MAXIMUM_NAME: Final = 256  # characters; the longest name of a service of ours has 64
MAXIMUM_WATCHES: Final = 1000  # arbitrary; load balancers have a few, and each costs some 50 KB
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN: Final = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

_Context = grpc.aio.ServicerContext[Any, Any]


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # it has no types
    """
    Says how services are.  Lives on one event loop.
    """

    def __init__(self, maximum_watches: int = MAXIMUM_WATCHES) -> None:
        self._statuses: dict[str, Any] = {}
        self._changed = asyncio.Event()  # another one after each change
        self._room = maximum_watches
        self._ending = False

    def set(self, name: str, status: Any) -> None:
        """
        What is said of a service from now on; once the server ends, nothing changes any more.
        """
        if not self._ending:
            self._statuses[name] = status
            self._tell()

    def end(self) -> None:
        """
        The server ends: nothing is served any more.
        """
        self._ending = True
        self._statuses = dict.fromkeys(self._statuses, _NOT_SERVING)
        self._tell()

    async def Check(  # noqa: N802  # the contract's name
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> health_pb2.HealthCheckResponse:
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(  # noqa: N802  # the contract's name
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        if len(request.service) > MAXIMUM_NAME:
            said = f"service must have at most {MAXIMUM_NAME} characters"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, said)
        if not self._room:
            said = "too many watch already; ask with Check"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, said)
        self._room -= 1
        try:
            told = None
            while True:
                changed, status = self._changed, self._statuses.get(request.service, _UNKNOWN)
                if status != told:
                    told = status
                    yield health_pb2.HealthCheckResponse(status=status)
                else:
                    await changed.wait()
        finally:
            self._room += 1

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
