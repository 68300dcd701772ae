"""
Admission: every station between the wire and a cell, with the real parts of each.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from admitting import admission, admit, request
from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import refusals
from toolcell_server.capacity import Capacity
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy, Root
from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("a")
    return tmp_path


def test_an_admitted_execution_holds_all_that_was_decided(root: Path) -> None:
    """
    Nothing is looked up again after admission: what was checked is what runs.
    """
    to = admission(root)
    asked = request(
        root,
        call_id="toolu_1",
        request_id="once",
        labels={"team": "a"},
        limits=Limits(wall_seconds=5.0).to_proto(),
        detached=True,
    )
    asked.limits.ClearField("arguments_bytes")
    before = time.monotonic()

    with contextlib.closing(admit(to, asked, principal=Principal(name="alice"))) as execution:
        assert execution.tool.name == "read_file"
        assert (execution.call_id, execution.request_id) == ("toolu_1", "once")
        assert (execution.principal, execution.labels) == ("alice", {"team": "a"})
        assert execution.detached
        assert execution.arguments == asked.arguments_json
        assert execution.grant.limits.wall_seconds == 5.0
        assert execution.grant.limits.arguments_bytes == 1000
        assert execution.grant.minimum_isolation == pb.ISOLATION_LEVEL_STRONG
        assert [mount.path.path for mount in execution.grant.mounts] == [str(root / "a.txt")]
        assert before <= execution.accepted <= time.monotonic()
        assert to.capacity.running == 1


def test_two_executions_never_share_an_id(root: Path) -> None:
    """
    The id is what Watch and CancelExecution believe.
    """
    to = admission(root)
    with (
        contextlib.closing(admit(to, request(root))) as first,
        contextlib.closing(admit(to, request(root))) as second,
    ):
        assert first.execution_id != second.execution_id


def test_closing_an_execution_gives_everything_back(root: Path) -> None:
    """
    A descriptor or a place that leaks with each call ends the service after enough of them.
    """
    to = admission(root)
    before = set(Path("/proc/self/fd").iterdir())
    execution = admit(to, request(root))

    assert to.capacity.running == 1
    execution.close()
    execution.close()

    assert to.capacity.running == 0
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_validate_only_takes_no_place(root: Path) -> None:
    """
    Asking whether a call would be allowed is possible on a full server, and costs nobody a place.
    """
    to = admission(root, capacity=Capacity(running=1, queue=0))
    with (
        contextlib.closing(admit(to, request(root))),
        contextlib.closing(admit(to, request(root, validate_only=True))) as validated,
    ):
        assert to.capacity.running == 1
        assert len(validated.grant.mounts) == 1

    assert to.capacity.running == 0


def test_the_operators_floor_holds_without_a_demand(root: Path) -> None:
    """
    The floor is the operator's; a caller who says nothing gets it all the same.
    """
    policy = Policy(roots=(Root.resolve(str(root)),), minimum_isolation=pb.ISOLATION_LEVEL_FULL)
    with pytest.raises(refusals.IsolationBelowFloor):
        admit(admission(root, policy=policy), request(root))


def test_a_demand_below_the_floor_changes_nothing(root: Path) -> None:
    """
    A caller may raise the floor, never lower it.
    """
    policy = Policy(roots=(Root.resolve(str(root)),), minimum_isolation=pb.ISOLATION_LEVEL_STRONG)
    asked = request(root, minimum_isolation=pb.ISOLATION_LEVEL_NONE)
    with contextlib.closing(admit(admission(root, policy=policy), asked)) as execution:
        assert execution.grant.minimum_isolation == pb.ISOLATION_LEVEL_STRONG


DEADLINES: dict[str, tuple[dict[str, Any], float | None, float | None]] = {
    "neither": ({}, None, None),
    "a timeout": ({"timeout": Duration(seconds=7)}, None, 7.0),
    "the RPC's deadline": ({}, 5.0, 5.0),
    "a timeout that comes first": ({"timeout": Duration(seconds=2)}, 5.0, 2.0),
    "a deadline that comes first": ({"timeout": Duration(seconds=7)}, 5.0, 5.0),
    "detached from its RPC": ({"detached": True}, 5.0, None),
    "detached, with a timeout": ({"detached": True, "timeout": Duration(seconds=7)}, 5.0, 7.0),
}


@pytest.mark.parametrize(("fields", "remaining", "expected"), DEADLINES.values(), ids=DEADLINES)
def test_the_deadline_is_whichever_comes_first(
    root: Path, fields: dict[str, Any], remaining: float | None, expected: float | None
) -> None:
    """
    Work for a caller who has stopped waiting is wasted; a detached one waits elsewhere.
    """
    with contextlib.closing(admit(admission(root), request(root, **fields), remaining)) as found:
        span = None if found.deadline is None else found.deadline - found.accepted

        assert span == (None if expected is None else pytest.approx(expected))


def test_run_and_execute_are_admitted_alike(root: Path) -> None:
    """
    The two requests have the same fields; neither may be a way around the other's checks.
    """
    same: Callable[[bytes], Any] = pb.RunRequest.FromString
    with contextlib.closing(admit(admission(root), same(request(root).SerializeToString()))) as ran:
        assert ran.tool.name == "read_file"
