"""
What one execution may reach, as it is passed down to its cell.  Pure values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.domain_grants import MAXIMUM_PORTS
from toolcell_server.egress.report_only import USUAL_PORTS
from toolcell_server.paths import rebased

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.egress.rules import Rule
    from toolcell_server.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class PathGrant:
    """
    One granted path.  `path` and `root` are as the caller and the operator name them, and where
    the tool finds the path; `real_path` and `real_root` are where the keeper opens it.
    `optional`: the call goes on without it if it does not exist.
    """

    path: str
    access: pb.PathAccess.ValueType
    root: str
    real_root: str
    optional: bool = False

    @property
    def real_path(self) -> str:
        return rebased(self.path, self.root, self.real_root)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedMount:
    """
    A granted path, opened.  `descriptor` is -1 for a path that does not exist yet; whoever holds
    the execution closes it.  `expected` is what a staged path was when it was opened: the commit
    refuses to replace anything else.  `slot` is that of the cell that it was opened for.
    """

    path: PathGrant
    directory: bool
    descriptor: int = -1
    expected: Any = None
    slot: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """
    Everything that one execution gets.  Frozen; `mounts` are added once, when they are opened.
    `report_only`: what `domains` does not name is reached all the same, and reported.
    """

    limits: Limits
    paths: tuple[PathGrant, ...] = ()
    domains: tuple[Rule, ...] = ()
    report_only: bool = False
    profile: str = "compute"
    environment: Mapping[str, str] = field(default_factory=dict)
    minimum_isolation: pb.IsolationLevel.ValueType = pb.ISOLATION_LEVEL_UNSPECIFIED
    mounts: tuple[OpenedMount, ...] = ()
    stateful: bool = False  # its cell serves one call after the other

    @property
    def ports(self) -> tuple[int, ...]:
        """
        Where its cell listens to itself, in the order of its listeners.
        """
        granted = {rule.port for rule in self.domains}
        usual = [port for port in USUAL_PORTS if self.report_only and port not in granted]
        return tuple(sorted(granted.union(usual[: MAXIMUM_PORTS - len(granted)])))

    def to_proto(self) -> pb.Grants:
        """
        What was granted, as an event carries it.
        """
        paths = [pb.PathGrant(path=path.path, access=path.access) for path in self.paths]
        return pb.Grants(paths=paths, domains=[rule.text for rule in self.domains])
