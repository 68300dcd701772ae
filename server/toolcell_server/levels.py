"""
How well cells of this server are isolated, over all bundles that have tools which can be called, or
may have some at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import isolation_check
from toolcell_server.hosts.owner import is_hosted
from toolcell_server.makes import REMEDIES

if TYPE_CHECKING:
    from toolcell_server.isolation import Isolation
    from toolcell_server.pool import Pool
    from toolcell_server.registry import Registry

UNBUILT_REMEDY: Final = "the reason says what the host refuses; see the Dockerfile for containers"


@dataclass(frozen=True, slots=True)
class Levels:
    """
    Asks a pool whose zygotes have started; `always` are bundles that count without a tool.
    """

    pool: Pool
    registry: Registry
    always: tuple[str, ...] = ()

    def check(self, floor: pb.IsolationLevel.ValueType) -> None:
        """
        Raises:
            NotIsolated: no cell can be built, or those of a bundle do not reach the floor.
        """
        if failure := self.pool.unbuilt():
            remedy = REMEDIES.get(failure.wall, UNBUILT_REMEDY)
            raise isolation_check.NotIsolated(failure.wall, str(failure), remedy)
        isolation_check.check(self._isolations(), floor)

    def weakest(self) -> pb.IsolationLevel.ValueType:
        """
        The level that cells of every bundle reach.
        """
        levels = (isolation.level for isolation in self._isolations())
        return min(levels, default=pb.ISOLATION_LEVEL_NONE)

    def _isolations(self) -> list[Isolation]:
        return [
            self.pool.isolation(bundle)
            for bundle in {*self.registry.tally.bundles(), *self.always}
            if not is_hosted(bundle)
        ]
