"""
Where policy only reports what allowlists deny: which calls that is true of, and which are refused.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from admitting import WALLS, admission, admit, request
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import refusals
from toolcell_server.denials import Denials
from toolcell_server.isolation import ALL_WALLS, Isolation
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy
from toolcell_server.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.grants import Grant

BASIC, STRONG, FULL = (
    pb.ISOLATION_LEVEL_BASIC,
    pb.ISOLATION_LEVEL_STRONG,
    pb.ISOLATION_LEVEL_FULL,
)
EVERY_WALL = Isolation.from_reports(
    pb.WallReport(wall=wall, status=pb.WALL_STATUS_ACTIVE) for wall in ALL_WALLS
)
TOOL: dict[str, Any] = {"description": "A tool.", "parameters": {"type": "object"}}
TOOLS: dict[str, dict[str, Any]] = {
    "reaching": {"domains": ["a.example:443", "b.example:443"]},
    "demanding": {"domains": ["a.example:443"], "minimum_isolation": "strong"},
    "filling": {"domains": ["{host}:443"]},
    "alone": {},
}


def granted(root: Path, tool: str, *, on: bool = True, **changes: Any) -> Grant:
    """
    What a call of a tool is granted.
    """
    registry = Registry(Limits(), Limits(), frozenset())
    filling = {"type": "object", "properties": {"host": {"type": "string"}}}
    told = [{**TOOL, **TOOLS[name], "name": name} for name in TOOLS if name != "filling"]
    told.append({**TOOL, **TOOLS["filling"], "name": "filling", "parameters": filling})
    registry.replace("mine", {"tools": told, "broken": []})
    isolation = changes.pop("isolation", WALLS)
    to = admission(
        root,
        policy=Policy(domains_report_only=on, **changes.pop("policy", {})),
        tools=registry,
        isolation=lambda _: isolation,
    )
    asked = {"tool": tool, "arguments": {}, "minimum_isolation": 0, **changes}
    with contextlib.closing(admit(to, request(root, **asked))) as execution:
        return execution.grant


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_only_a_call_with_domains_of_its_tool_is_reported_only(tmp_path: Path, *, on: bool) -> None:
    """
    Without domains there is no network; what a caller narrows, the caller wants enforced.
    """
    narrowed = pb.Grants(domains=["a.example:443"])
    filled = {"host": "c.example"}

    assert on == granted(tmp_path, "reaching", on=on).report_only
    assert on == granted(tmp_path, "filling", on=on, arguments=filled).report_only
    assert not granted(tmp_path, "reaching", on=on, grants=narrowed).report_only
    assert not granted(tmp_path, "filling", on=on).report_only
    assert not granted(tmp_path, "alone", on=on).report_only


@pytest.mark.parametrize("isolation", [WALLS, EVERY_WALL], ids=["strong", "full"])
def test_a_tool_or_call_that_demands_the_wall_is_refused(
    tmp_path: Path, isolation: Isolation
) -> None:
    """
    And says who can do something about it: no doctor of the host could.
    """
    demands: list[dict[str, Any]] = [
        {"tool": "demanding"},
        {"tool": "reaching", "minimum_isolation": STRONG},
        {"tool": "reaching", "minimum_isolation": FULL},
    ]
    for demand in demands[: 3 if isolation is EVERY_WALL else 2]:
        with pytest.raises(refusals.IsolationBelowFloor) as refused:
            granted(tmp_path, isolation=isolation, **demand)

        assert "this call would have basic: its allowlist only reports" in refused.value.message
        assert "policy.domains_report_only = false" in refused.value.hint
        assert "network" == refused.value.metadata["missing_wall"]
    for demand in demands[: 3 if isolation is EVERY_WALL else 2]:
        assert granted(tmp_path, isolation=isolation, on=False, **demand)
    assert granted(tmp_path, "alone", isolation=isolation, minimum_isolation=STRONG)


def test_the_operators_own_floor_is_about_the_host(tmp_path: Path) -> None:
    """
    Who sets both has said what is enough; but what cells with domains need of the host is needed.
    """
    assert granted(tmp_path, "reaching", policy={"minimum_isolation": STRONG}).report_only
    bare = Isolation.from_reports(
        report for report in EVERY_WALL.walls if report.wall != pb.WALL_PROCESSES
    )
    with pytest.raises(refusals.IsolationBelowFloor, match="this host has basic: processes"):
        granted(tmp_path, "reaching", isolation=bare, policy={"minimum_isolation": BASIC})


def test_what_is_only_reported_is_told_and_explains_nothing() -> None:
    """
    A tool whose own fault it was must not hear that it was refused something.
    """
    denials = Denials()
    told = pb.Denied(operation="connect", target="b.example:443", reported_only=True)
    denials.note(told)
    failed = pb.Outcome(failed=pb.Failed(exception="ValueError"))
    said_by_tool = pb.ExecuteResponse(denied=pb.Denied(operation="connect"))

    assert failed == denials.explain(pb.Outcome(failed=pb.Failed(exception="ValueError")))
    assert (False, False) == (denials.saw("connect"), denials.repeats(said_by_tool))
    denials.note(pb.Denied(operation="connect", target="c.example:443"))
    outcome = denials.explain(failed)
    assert ["c.example:443"] == [each.target for each in outcome.denials]
    assert "c.example:443" in outcome.hint
