"""
How strongly cells are isolated: wall reports in, one level out.  Pure.

Theory of operation.  A level is a list of requirements, each "one of these walls is at least so
far up"; the level of a host is the highest whose requirements all hold, and what is missing for a
higher one is its first requirement that does not.  A wall that nobody reported is absent.
`DEGRADED` counts only where a weaker form still does the wall's work: a control group that is not
delegated leaves a watchdog, a service without root leaves one identity for all cells.  A network
that only reports leaves no allowlist: a call under it reaches no more than `basic`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOT_PROBED: Final = "it was not probed"
ALL_WALLS: Final = tuple(wall for wall in pb.Wall.values() if wall != pb.WALL_UNSPECIFIED)

_REPORT_ONLY: Final = pb.WallReport(
    wall=pb.WALL_NETWORK,
    status=pb.WALL_STATUS_DEGRADED,
    reason="report-only: hosts that are not granted are reached, and reported",
    remedy="the operator sets policy.domains_report_only = false once allowlists are complete",
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """
    One of `walls` must be up; `partly`: degraded will do.
    """

    walls: tuple[pb.Wall.ValueType, ...]
    partly: bool = False


_EVERYWHERE: Final = (
    Requirement((pb.WALL_SECCOMP,)),
    Requirement((pb.WALL_PRIVILEGES,)),
    Requirement((pb.WALL_RLIMITS,)),
    Requirement((pb.WALL_DESCRIPTORS,)),
    Requirement((pb.WALL_ENVIRONMENT,)),
)
# Weakest first.
_LEVELS: Final[tuple[tuple[pb.IsolationLevel.ValueType, tuple[Requirement, ...]], ...]] = (
    (pb.ISOLATION_LEVEL_NONE, ()),
    # What an older Landlock does not see, the filter of cells without namespaces refuses.
    (pb.ISOLATION_LEVEL_BASIC, (*_EVERYWHERE, Requirement((pb.WALL_LANDLOCK,), partly=True))),
    (
        pb.ISOLATION_LEVEL_STRONG,
        (
            *_EVERYWHERE,
            Requirement((pb.WALL_MOUNTS, pb.WALL_LANDLOCK)),
            Requirement((pb.WALL_NETWORK,)),
            Requirement((pb.WALL_PROCESSES,)),
            Requirement((pb.WALL_IDENTITY,), partly=True),
            Requirement((pb.WALL_IPC,), partly=True),
            Requirement((pb.WALL_RESOURCES,), partly=True),
        ),
    ),
    (pb.ISOLATION_LEVEL_FULL, tuple(Requirement((wall,)) for wall in ALL_WALLS)),
)


@dataclass(frozen=True, slots=True)
class Missing:
    """
    What keeps cells below a level: the wall, why it is not up, and what the operator can do.
    """

    wall: pb.Wall.ValueType
    reason: str
    remedy: str


@dataclass(frozen=True)
class Isolation:
    """
    The walls of cells of one make, every wall once, in the order of the enum.  `observed`: what
    seccomp refuses the server sees itself.  `proxied`: without a network of their own, cells are
    held to a proxy.  What follows from them is found once: each call asks for it several times.
    """

    walls: tuple[pb.WallReport, ...]
    observed: bool = False
    proxied: bool = False

    @classmethod
    def from_reports(
        cls,
        reports: Iterable[pb.WallReport],
        *,
        observed: bool = False,
        proxied: bool = False,
    ) -> Self:
        """
        Of the reports on one wall the worst counts.
        """
        worst: dict[int, pb.WallReport] = {}
        for report in reports:
            if report.wall not in worst or _badness(report) > _badness(worst[report.wall]):
                worst[report.wall] = report
        walls = tuple(worst.get(wall, _not_probed(wall)) for wall in ALL_WALLS)
        return cls(walls, observed, proxied)

    def of_call(self, *, report_only: bool) -> Isolation:
        """
        The walls of one call's cell; `report_only`: its egress only reports what it would deny.
        """
        if not report_only:
            return self
        return self._report_only

    @functools.cached_property
    def level(self) -> pb.IsolationLevel.ValueType:
        """
        The highest level whose requirements all hold.
        """
        return max(level for level, needed in _LEVELS if self._first_missing(needed) is None)

    def below(self, floor: pb.IsolationLevel.ValueType) -> Missing | None:
        """
        What is missing for that level; None if cells reach it.  Unspecified asks for nothing.
        """
        if self.level >= floor:
            return None
        unmet = self._first_missing(dict(_LEVELS)[floor])
        assert unmet is not None, "a level whose requirements all hold is reached"
        return Missing(unmet.wall, unmet.reason, unmet.remedy)

    def to_proto(self) -> pb.IsolationReport:
        """
        As an event carries it.  Every call has the same message: it is not to be changed.
        """
        return self._proto

    @functools.cached_property
    def _proto(self) -> pb.IsolationReport:
        return pb.IsolationReport(level=self.level, walls=self.walls)

    @functools.cached_property
    def _report_only(self) -> Isolation:
        walls = (*self.walls, _REPORT_ONLY)
        return self.from_reports(walls, observed=self.observed, proxied=self.proxied)

    def _first_missing(self, needed: Iterable[Requirement]) -> pb.WallReport | None:
        """
        The report of the first wall that is required and not up.
        """
        for requirement in needed:
            reports = [report for report in self.walls if report.wall in requirement.walls]
            if not any(_holds(report, requirement) for report in reports):
                return reports[0]
        return None


def _holds(report: pb.WallReport, requirement: Requirement) -> bool:
    if report.status == pb.WALL_STATUS_DEGRADED:
        return requirement.partly
    return report.status == pb.WALL_STATUS_ACTIVE


def _badness(report: pb.WallReport) -> int:
    return report.status or pb.WALL_STATUS_ABSENT  # a status that nobody gave proves nothing


def _not_probed(wall: pb.Wall.ValueType) -> pb.WallReport:
    return pb.WallReport(
        wall=wall,
        status=pb.WALL_STATUS_ABSENT,
        reason=_NOT_PROBED,
        remedy="run `toolcell doctor`",
    )
