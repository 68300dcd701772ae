"""
Isolation levels: from walls to one word, and what is missing for a stronger one.
"""

from __future__ import annotations

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.isolation import ALL_WALLS, Isolation

NONE, BASIC = pb.ISOLATION_LEVEL_NONE, pb.ISOLATION_LEVEL_BASIC
STRONG, FULL = pb.ISOLATION_LEVEL_STRONG, pb.ISOLATION_LEVEL_FULL
ACTIVE, DEGRADED = pb.WALL_STATUS_ACTIVE, pb.WALL_STATUS_DEGRADED
ABSENT, UNSPECIFIED = pb.WALL_STATUS_ABSENT, pb.WALL_STATUS_UNSPECIFIED
NAMESPACES = ("identity", "mounts", "processes", "network", "ipc", "hostname")


def report(wall: str, status: pb.WallStatus.ValueType) -> pb.WallReport:
    return pb.WallReport(
        wall=pb.Wall.Value(f"WALL_{wall.upper()}"),
        status=status,
        reason=f"why {wall}",
        remedy=f"mend {wall}",
    )


def isolation(**changed: pb.WallStatus.ValueType) -> Isolation:
    """
    Every wall up, but for those that are named.
    """
    names = [pb.Wall.Name(wall).removeprefix("WALL_").lower() for wall in ALL_WALLS]
    return Isolation.from_reports(report(name, changed.get(name, ACTIVE)) for name in names)


LEVELS: dict[str, tuple[dict[str, pb.WallStatus.ValueType], pb.IsolationLevel.ValueType]] = {
    "every wall": ({}, FULL),
    "a watchdog instead of a control group": ({"resources": DEGRADED}, STRONG),
    "nothing bounds the processes together": ({"resources": ABSENT}, BASIC),
    "one identity for all cells": ({"identity": DEGRADED}, STRONG),
    "the identity of the server": ({"identity": ABSENT}, BASIC),
    "no Landlock": ({"landlock": ABSENT}, STRONG),
    "an old Landlock": ({"landlock": DEGRADED}, STRONG),
    "no mount namespace": ({"mounts": ABSENT}, STRONG),
    "neither mounts nor Landlock": ({"mounts": ABSENT, "landlock": ABSENT}, NONE),
    "half of both": ({"mounts": DEGRADED, "landlock": DEGRADED}, BASIC),
    "no host name of its own": ({"hostname": ABSENT}, STRONG),
    "the network of the host": ({"network": ABSENT}, BASIC),
    "the process ids of the host": ({"processes": ABSENT}, BASIC),
    "no namespaces at all": (dict.fromkeys((*NAMESPACES, "resources"), ABSENT), BASIC),
    "no namespaces and no Landlock": (dict.fromkeys((*NAMESPACES, "landlock"), ABSENT), NONE),
    "no seccomp": ({"seccomp": ABSENT}, NONE),
    "half of seccomp": ({"seccomp": DEGRADED}, NONE),
    "capabilities": ({"privileges": ABSENT}, NONE),
    "no rlimits": ({"rlimits": ABSENT}, NONE),
    "descriptors of the server": ({"descriptors": ABSENT}, NONE),
    "the environment of the server": ({"environment": ABSENT}, NONE),
    "a status that nobody gave": ({"seccomp": UNSPECIFIED}, NONE),
}


@pytest.mark.parametrize(("changed", "level"), LEVELS.values(), ids=LEVELS)
def test_the_level_follows_from_the_walls(
    changed: dict[str, pb.WallStatus.ValueType], level: pb.IsolationLevel.ValueType
) -> None:
    """
    A level is a promise to callers who demand it; each missing wall lowers it as documented.
    """
    assert isolation(**changed).level == level


def test_a_wall_that_nobody_probed_is_absent() -> None:
    """
    No news is no wall.
    """
    found = Isolation.from_reports([])

    assert found.level == NONE
    assert [wall.status for wall in found.walls] == [ABSENT] * len(ALL_WALLS)


def test_of_two_reports_on_one_wall_the_worse_counts() -> None:
    """
    The cell and the server each report what they can see; neither outvotes the other.
    """
    for statuses in ((ACTIVE, ABSENT), (ABSENT, ACTIVE), (ACTIVE, UNSPECIFIED, ACTIVE)):
        reports = [report("seccomp", status) for status in statuses]
        [found] = [
            wall for wall in Isolation.from_reports(reports).walls if wall.wall == pb.WALL_SECCOMP
        ]

        assert found.status != ACTIVE


FLOORS: dict[str, tuple[Isolation, pb.IsolationLevel.ValueType, str]] = {
    "reached": (isolation(), FULL, ""),
    "more than reached": (isolation(), BASIC, ""),
    "not asked for": (Isolation.from_reports([]), pb.ISOLATION_LEVEL_UNSPECIFIED, ""),
    "strong where Landlock is missing": (isolation(landlock=ABSENT), STRONG, ""),
    "basic where only Landlock is missing": (isolation(landlock=ABSENT), BASIC, ""),
    "full without a control group": (isolation(resources=DEGRADED), FULL, "resources"),
    "strong without a network namespace": (isolation(network=ABSENT), STRONG, "network"),
    "basic without seccomp": (isolation(seccomp=ABSENT), BASIC, "seccomp"),
    "strong with neither mounts nor Landlock": (
        isolation(mounts=ABSENT, landlock=ABSENT),
        STRONG,
        "mounts",
    ),
}


@pytest.mark.parametrize(("found", "floor", "missing"), FLOORS.values(), ids=FLOORS)
def test_below_a_floor_the_missing_wall_is_named(
    found: Isolation, floor: pb.IsolationLevel.ValueType, missing: str
) -> None:
    """
    "Below the floor" alone sends the operator searching; the wall and its remedy do not.
    """
    below = found.below(floor)

    assert (below is None) is (missing == "")
    if below is not None:
        assert pb.Wall.Name(below.wall) == f"WALL_{missing.upper()}"
        assert (below.reason, below.remedy) == (f"why {missing}", f"mend {missing}")


def test_a_call_whose_allowlist_only_reports_has_no_more_than_basic() -> None:
    """
    Its network leads where its grant does not say; whoever demands that wall must not get the call.
    """
    host = isolation()
    call = host.of_call(report_only=True)
    shown = next(wall for wall in call.walls if wall.wall == pb.WALL_NETWORK)

    assert (FULL, FULL) == (host.level, host.of_call(report_only=False).level)
    assert (BASIC, DEGRADED) == (call.level, shown.status)
    assert "report-only" in shown.reason
    assert "policy.domains_report_only" in shown.remedy
    for floor in (STRONG, FULL):
        missing = call.below(floor)
        assert missing
        assert pb.WALL_NETWORK == missing.wall


def test_to_report_only_makes_no_wall_better() -> None:
    for status, level in ((ABSENT, BASIC), (DEGRADED, BASIC)):
        call = isolation(network=status).of_call(report_only=True)

        assert (status, level) == (
            next(wall.status for wall in call.walls if wall.wall == pb.WALL_NETWORK),
            call.level,
        )
    assert NONE == isolation(seccomp=ABSENT).of_call(report_only=True).level


def test_the_report_lists_every_wall_once_in_the_order_of_the_contract() -> None:
    """
    Readers compare reports; an order that changes looks like a wall that changed.
    """
    shown = isolation(resources=DEGRADED).to_proto()

    assert shown.level == STRONG
    assert [wall.wall for wall in shown.walls] == list(ALL_WALLS)
    assert len(ALL_WALLS) == len(pb.Wall.values()) - 1
