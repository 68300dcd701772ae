"""
What one attempt needs of the pool, and the frame that tells its cell of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import Access, Call, CellGrant, Mount, Profile

from toolcell_server.carried import VERSION
from toolcell_server.hold import Hold
from toolcell_server.zygote import ZygoteDied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_server.execution import Execution
    from toolcell_server.grants import Grant, OpenedMount
    from toolcell_server.proxies import Proxy
    from toolcell_server.warm_kinds import WarmCell
    from toolcell_server.zygote import Zygote

ACCESSES = {
    pb.PATH_ACCESS_READ: Access.READ,
    pb.PATH_ACCESS_WRITE: Access.WRITE,
    pb.PATH_ACCESS_STAGED: Access.STAGED,
}
PROFILES = {
    "compute": Profile.COMPUTE,
    "net": Profile.NET,
    "subprocess": Profile.SUBPROCESS,
}
# What every tool finds in its environment, before what it declares.
ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108  # of the cell: private to it
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",  # as in the zygote: arenas count as memory
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TMPDIR": "/tmp",  # noqa: S108  # of the cell: private to it
    "USER": "tool",
}


@dataclass(frozen=True, slots=True)
class Lease:
    """
    What one attempt needs of the pool, for as long as it lasts.  `environment` is what the
    operator set for the bundle; a bare cell has no network of its own.
    """

    zygote: Zygote
    slot: int
    isolation: pb.IsolationReport
    trees: Sequence[int]
    environment: Mapping[str, str]
    bare: bool = False
    warm: WarmCell | None = None

    async def open(self, execution: Execution, proxy: Proxy | None = None) -> Hold:
        """
        The cell of an execution, which is the caller's to close.

        Raises:
            ZygoteDied, ZygoteFailed: there is no cell.
        """
        call = call_of(execution)
        if self.warm is not None:
            self.warm.hold.tell(call)
            return self.warm.hold
        grant = cell_grant(execution.grant, self.environment, proxy)
        try:
            return await Hold.open(self.zygote, self.slot, grant, self.trees, call)
        except ZygoteDied:
            # Its handle may learn of it later than we, who could not send; the next attempt, which
            # comes at once, must not find it again.
            await self.zygote.died.wait()
            raise


def cell_grant(
    grant: Grant, environment: Mapping[str, str], proxy: Proxy | None = None
) -> CellGrant:
    """
    A grant as a cell is told; `environment` is the bundle's.
    """
    limits = grant.limits
    environment = {**ENVIRONMENT, **environment, **grant.environment}
    if proxy is not None:
        environment = proxy.environment(environment)
    return CellGrant(
        profile=PROFILES[grant.profile],
        cpu_seconds=limits.cpu_seconds,
        memory_bytes=limits.memory_bytes,
        disk_bytes=limits.disk_bytes,
        file_size_bytes=limits.file_size_bytes,
        result_bytes=limits.result_bytes,
        processes=limits.processes,
        open_files=limits.open_files,
        arguments_bytes=limits.arguments_bytes,
        counted=limits.file_operations > 0,
        stateful=grant.stateful,
        environment=tuple(environment.items()),
        mounts=tuple(map(_cell_mount, grant.mounts)),
        ports=() if proxy else grant.ports,
        proxy=proxy.port if proxy else 0,
    )


def call_of(execution: Execution) -> Call:
    """
    What the cell of an execution is told once its walls are up.
    """
    wall_end = time.monotonic() + execution.grant.limits.wall_seconds
    tool, arguments = execution.tool, execution.arguments
    carried = tool.carried
    return Call(
        deadline=min(wall_end, execution.deadline or wall_end),
        tool=carried.carrier if carried else tool.name,
        version=VERSION if carried else tool.version,
        execution_id=execution.execution_id,
        call_id=execution.call_id,
        arguments=carried.arguments(arguments) if carried else arguments,
    )


def _cell_mount(opened: OpenedMount) -> Mount:
    return Mount(
        access=ACCESSES[opened.path.access],
        path=opened.path.path,
        root=opened.path.root,
        directory=opened.directory,
        given=opened.descriptor >= 0,
    )
