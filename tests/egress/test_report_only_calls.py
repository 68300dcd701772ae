"""
Which calls policy only reports of, and what those say of their walls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.errors import CallRefused

from egress.asking import granted_still_works, told
from egress.bed import OTHER, PLAIN

if TYPE_CHECKING:
    from egress.bed import Bed


def network(report: pb.IsolationReport | None) -> pb.WallReport:
    assert report is not None
    return next(wall for wall in report.walls if wall.wall == pb.WALL_NETWORK)


def test_the_walls_of_a_call_say_that_its_allowlist_only_reports(reporting: Bed, bed: Bed) -> None:
    """
    A caller must not take what is only reported for what is enforced.
    """
    events = list(reporting.client.execute("fetch", {"url": reporting.url()}))
    [started] = [each.started for each in events if each.HasField("started")]
    for report in (started.isolation, events[-1].finished.isolation):
        wall = network(report)

        assert (pb.WALL_STATUS_DEGRADED, pb.ISOLATION_LEVEL_BASIC) == (wall.status, report.level)
        assert "report-only" in wall.reason
        assert "policy.domains_report_only" in wall.remedy
    enforced = bed.client.run("fetch", {"url": bed.url()})
    alone = reporting.client.run("run_alone", {"code": "result = 1"})
    for result in (enforced, alone):
        assert pb.WALL_STATUS_ACTIVE == network(result.isolation).status
        assert result.isolation
        assert result.isolation.level >= pb.ISOLATION_LEVEL_STRONG


@pytest.mark.parametrize("level", ["strong", "full"])
def test_a_call_that_demands_the_wall_is_refused(reporting: Bed, level: str) -> None:
    """
    Fail closed: whoever asks for it does not run without it.
    """
    with pytest.raises(CallRefused, match=f"isolation {level} is demanded") as refused:
        reporting.client.run("fetch", {"url": reporting.url()}, minimum_isolation=level)

    assert "ISOLATION_BELOW_FLOOR" == refused.value.reason
    if level == "strong":  # of a poorer host `full` lacks more
        assert "only reports" in str(refused.value)
    control = reporting.client.run("run_alone", {"code": "result = 1"}, minimum_isolation="strong")
    assert control.ok


def test_what_a_caller_narrows_is_enforced(reporting: Bed) -> None:
    """
    It is the caller's allowlist and not the operator's, and nobody is trying it out.
    """
    url, other = reporting.plain_url(), reporting.plain_url(host=OTHER)
    reporting.plain.seen.clear()
    arguments = {"url": url, "then": other}
    narrowed = {"domains": [f"http://{PLAIN}:{reporting.plain.port}"]}
    result = reporting.client.run("fetch", arguments, grants=narrowed)

    assert ("failed", []) == (result.label, reporting.plain.seen)
    assert {("resolve", OTHER, "host_not_granted", False)} == told(result)
    assert pb.WALL_STATUS_ACTIVE == network(result.isolation).status
    granted_still_works(reporting)


def test_a_tool_without_domains_has_no_network_all_the_same(reporting: Bed) -> None:
    """
    It has no allowlist that anybody could be trying out.
    """
    code = f"socket.create_connection(({OTHER!r}, {reporting.plain.port}), 5)"
    result = reporting.client.run("run_alone", {"code": code})
    nothing = reporting.client.run("run_code", {"code": code})  # its argument grants none

    assert ("failed", "failed") == (result.label, nothing.label)
    assert set() == {each for each in told(result) | told(nothing) if each[3]}
