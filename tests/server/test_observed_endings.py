"""
What was observed of a cell, in the ending that its tool gets.
"""

from __future__ import annotations

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import endings
from toolcell_server.limits import Limits

OBSERVED, REPORTED = pb.EVIDENCE_OBSERVED, pb.EVIDENCE_REPORTED_BY_TOOL


def observed(operation: str, target: str = "", reason: str = "not_allowed") -> pb.Denied:
    return pb.Denied(
        wall=pb.WALL_SECCOMP,
        operation=operation,
        target=target,
        reason=reason,
        evidence=OBSERVED,
    )


def raised(*operations: str, hint: str = "", code: str = "") -> pb.Outcome:
    denials = [{"operation": each, "target": "a story"} for each in operations]
    return endings.raised({"denials": denials, "hint": hint, "code": code}, Limits())


def test_what_was_seen_replaces_what_was_said_of_the_same_operation() -> None:
    """
    In its place, not beside it; what nobody saw stays what it was.
    """
    outcome = endings.with_denials(raised("socket", "open"), [observed("socket", "AF_INET")])

    found = [(each.operation, each.target, each.evidence) for each in outcome.denials]
    assert [("socket", "AF_INET", OBSERVED), ("open", "a story", REPORTED)] == found


@pytest.mark.parametrize(
    ("hint", "code", "expected"),
    [
        pytest.param("", "", "refused mount (/mnt), which", id="nobody said what to do"),
        pytest.param("Try B.", "", "Try B.", id="the tool did"),
        pytest.param("Read it.", "COMMAND_FAILED", "refused mount", id="a program failed"),
    ],
)
def test_a_denial_tells_what_to_do_where_the_tool_does_not(
    hint: str, code: str, expected: str
) -> None:
    """
    Whoever wrote the tool knows better; of a program's exit code nobody knows anything.
    """
    outcome = endings.with_denials(raised(hint=hint, code=code), [observed("mount", "/mnt")])

    assert expected in outcome.hint
    assert hint in outcome.hint


def test_a_refused_network_is_called_by_its_name() -> None:
    """
    "socket" means nothing to a model.
    """
    denied = observed("socket", "AF_INET SOCK_STREAM", "no_network")

    assert "no network" in endings.with_denials(raised(), [denied]).hint


LOOKED = observed("socket", "AF_UNIX SOCK_STREAM")  # for nscd, at each look-up of a name


def of_egress(reason: str) -> pb.Denied:
    return pb.Denied(
        wall=pb.WALL_NETWORK,
        operation="request",
        target="web.example:80",
        reason=reason,
        evidence=OBSERVED,
    )


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            [of_egress("address_private"), LOOKED],
            "The way to web.example:80 was refused (address_private)",
            id="a refusal of the egress, before what was tried to look around",
        ),
        pytest.param([of_egress("no_address"), LOOKED], "check the name", id="a misspelt name"),
        pytest.param([observed("mount", "/mnt"), LOOKED], "refused mount", id="another call"),
    ],
)
def test_with_a_network_a_refused_socket_explains_no_error(
    seen: list[pb.Denied], expected: str
) -> None:
    """
    A model would be told to do without sockets, and is not told what was refused.
    """
    assert expected in endings.with_denials(raised(), seen, network=True).hint


def test_an_error_that_nothing_refused_explains_gets_no_hint() -> None:
    """
    A host that answers 502 has to do with no wall; without a network the socket is what it lacks.
    """
    assert "" == endings.with_denials(raised(), [LOOKED], network=True).hint
    assert "refused socket" in endings.with_denials(raised(), [LOOKED]).hint


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(pb.Outcome(completed=pb.Completed()), id="completed"),
        pytest.param(endings.exceeded("wall", Limits()), id="a limit"),
        pytest.param(endings.cancelled(None), id="a caller"),
    ],
)
def test_an_ending_of_another_cause_is_left_alone(outcome: pb.Outcome) -> None:
    """
    Refusals are part of ordinary work: they led to no other ending than an error.
    """
    before = outcome.SerializeToString()

    endings.with_denials(outcome, [observed("mount")])

    assert before == outcome.SerializeToString()


def test_nobody_can_claim_that_file_operations_were_used_up() -> None:
    """
    We count them ourselves.
    """
    outcome = endings.raised({"limit": "file_operations"}, Limits(file_operations=5))

    assert "failed" == outcome.WhichOneof("kind")
