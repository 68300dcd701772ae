"""
A wall that is reported as active holds whatever it can hold alone; attacked, on each kind of host.

Which wall stops which attack with no other wall around it is measured (docs/ablation.md).  So if an
attack gets through, every wall that would have stopped it must have been reported as not active.
`EVERY_ATTACK=1` runs the whole battery instead of a few attacks a wall.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from hosts import living
from hosts.measured import alone_against

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 600.0  # for the whole battery, on a busy host
PER_WALL = 2  # arbitrary; a wall is tried in more than one way
QUICK = ("F", "I", "K", "S")  # attacks that do not wait for a limit
SLOW_WALLS = {"processes", "rlimits", "resources"}  # which stop nothing else
HOSTS = ("", "no_landlock", "no_namespaces")


def chosen() -> Iterator[str]:
    """
    A few attacks for each wall that it stops alone.
    """
    tried: Counter[str] = Counter()
    for (number, name), walls in alone_against().items():
        for wall in walls:
            suits = number.startswith(QUICK) or wall in SLOW_WALLS
            if suits and tried[wall] < PER_WALL:
                tried[wall] += 1
                yield name


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 30)
@living.NEEDS_A_RUNTIME
@pytest.mark.parametrize("kinds", HOSTS)
def test_no_attack_gets_through_a_wall_that_is_reported_as_active(kinds: str) -> None:
    """
    The report is what callers decide by; here it is compared with what was tried.
    """
    names = [] if os.environ.get("EVERY_ATTACK") else ["--only", *sorted(set(chosen()))]
    _, report, _ = living.doctor(kinds, "--battery", *names, seconds=SECONDS)
    active = {row["wall"] for row in report["walls"] if row["status"] == "active"}
    walls = {name: stopping for (_, name), stopping in alone_against().items()}

    through = [a["name"] for a in report["attacks"] if a["verdict"] == "breached"]
    lies = {name: sorted(walls[name] & active) for name in through if walls[name] & active}
    assert {} == lies
    verdicts = Counter(attack["verdict"] for attack in report["attacks"])
    assert verdicts["held"] > len(active), verdicts
    _assert_weaker_where_weaker(kinds, report, verdicts)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 30)
@living.NEEDS_A_RUNTIME
def test_attacks_on_the_network_are_held_by_a_proxy_where_cells_have_none() -> None:
    """
    Programs are refused there; whatever else was granted a host reaches it, and no other.
    """
    _, report, _ = living.doctor(
        "no_namespaces", "--battery", "--only", "N6", "N9", "N10", "N13", "N15", seconds=SECONDS
    )
    verdicts = {attack["name"]: attack["verdict"] for attack in report["attacks"]}

    assert "refused" == verdicts.pop("reach_the_host_by_a_bare_program")
    assert {"held"} == set(verdicts.values()), report["attacks"]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 30)
@living.NEEDS_A_RUNTIME
def test_attacks_on_the_network_are_refused_where_nothing_could_hold_them() -> None:
    """
    A host that can enclose no network grants none; what was granted none is held there, too.
    """
    _, report, _ = living.doctor(
        "no_namespaces landlock_3", "--battery", "--only", "N6", "N10", "N15", seconds=SECONDS
    )
    verdicts = {attack["name"]: attack["verdict"] for attack in report["attacks"]}

    assert "held" == verdicts.pop("reach_the_host_without_a_grant")
    assert {"refused"} == set(verdicts.values()), report["attacks"]


def _assert_weaker_where_weaker(kinds: str, report: dict[str, Any], verdicts: Counter[str]) -> None:
    """
    The control of the comparison: where walls are absent, something does get through or is
    refused, and at the default floor nothing does.
    """
    if report["level"] == "basic":
        assert verdicts["breached"] + verdicts["refused"] > 0, verdicts
    else:
        assert verdicts["breached"] == 0, (kinds, verdicts)
