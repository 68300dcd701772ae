"""
The texts, categories and bounds of every ending.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from raised_frames import RAISED_KEYS
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import endings
from toolcell_server.limits import NAMES, Limits

LIMITS = Limits(wall_seconds=2.5, memory_bytes=1234)
EVENT_BYTES = 256 * 1024  # far below what any client receives


@pytest.mark.parametrize("limit", endings.LIMITS)
def test_every_limit_names_itself_its_value_and_a_remedy(limit: str) -> None:
    """
    A model that is told only "exceeded" tries the same again.
    """
    outcome = endings.exceeded(limit, LIMITS)
    number, name = endings.LIMITS[limit]

    assert number == outcome.exceeded.limit
    assert float(getattr(LIMITS, name)) == outcome.exceeded.allowed
    assert name in outcome.message
    assert outcome.hint
    assert outcome.spoken
    assert (pb.ERROR_CATEGORY_PERMANENT, False) == (outcome.category, outcome.retryable)


def test_every_limit_of_an_execution_can_end_it() -> None:
    """
    Arguments that are too large are refused before anything runs.
    """
    ended_by = {name for _, name in endings.LIMITS.values()}

    assert set(NAMES) - {"arguments_bytes"} == ended_by
    assert {field.name for field in dataclasses.fields(Limits)} == set(NAMES)


def test_every_wall_of_the_contract_can_be_named() -> None:
    """
    A wall that the worker names and we do not know would be reported as unspecified.
    """
    assert {wall for wall in pb.Wall.values() if wall} <= set(endings.WALLS.values())


@pytest.mark.parametrize("reason", [r for r in pb.LostReason.values() if r], ids=pb.LostReason.Name)
def test_what_is_our_fault_may_work_later_unless_a_wall_cannot_be_built(
    reason: pb.LostReason.ValueType,
) -> None:
    """
    Callers repeat what is retryable; a missing wall is missing the next time too.
    """
    outcome = endings.lost(reason, "why", "seccomp")

    assert outcome.retryable == (reason != pb.LOST_REASON_WALL_NOT_BUILT)
    assert (reason, pb.WALL_SECCOMP) == (outcome.lost.reason, outcome.lost.wall)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, pb.CANCEL_REASON_REQUESTED),
        (pb.CANCEL_REASON_STREAM_LOST, pb.CANCEL_REASON_STREAM_LOST),
        (pb.CANCEL_REASON_DRAINED, pb.CANCEL_REASON_DRAINED),
    ],
    ids=["by nobody in particular", "by a lost stream", "by the drain"],
)
def test_a_cancelled_execution_says_by_whom(
    reason: pb.CancelReason.ValueType | None, expected: pb.CancelReason.ValueType
) -> None:
    """
    The contract promises a reason always.
    """
    assert expected == endings.cancelled(reason).cancelled.reason


def raised(**said: Any) -> pb.Outcome:
    return endings.raised(said, LIMITS)


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ("user", pb.ERROR_CATEGORY_USER),
        ("temporary", pb.ERROR_CATEGORY_TEMPORARY),
        ("permanent", pb.ERROR_CATEGORY_PERMANENT),
        ("unknown", pb.ERROR_CATEGORY_UNKNOWN),
        ("invented", pb.ERROR_CATEGORY_UNKNOWN),
        (None, pb.ERROR_CATEGORY_UNKNOWN),
        (["user"], pb.ERROR_CATEGORY_UNKNOWN),
    ],
    ids=str,
)
def test_a_tool_says_whose_fault_it_was(said: Any, category: pb.ErrorCategory.ValueType) -> None:
    """
    What is none of the words is unknown, never an error of ours.
    """
    assert category == raised(category=said).category


@pytest.mark.parametrize(
    "value",
    [None, True, 7, -7.5, "text", "x" * 10**6, "\ud800", [], [[]], {}, {"wall": "net"}, 10**40],
    ids=lambda value: f"{type(value).__name__} {str(value)[:10]!a}",
)
def test_any_value_in_any_place_gives_an_outcome_of_bounded_size(value: Any) -> None:
    """
    Every field of the frame is the tool's to forge.
    """
    names = [key for key in RAISED_KEYS if key != "denials"]
    said = {**dict.fromkeys(names, value), "denials": [value] * 100}
    for forged in (said, {**said, "denials": value}, *({name: value} for name in names)):
        outcome = endings.raised(forged, LIMITS)

        assert outcome.WhichOneof("kind") == "failed"
        assert outcome.ByteSize() < EVENT_BYTES
        assert outcome.retryable == (forged.get("retryable") is True)


@pytest.mark.parametrize("limit", ["invented", "timeout", "", None, 3], ids=str)
def test_a_limit_that_no_cell_has_cannot_be_claimed(limit: Any) -> None:
    """
    It would be an outcome of no meaning, or a KeyError of ours.
    """
    assert "failed" == raised(limit=limit).WhichOneof("kind")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0, True),
        (-9, True),
        (2**31 - 1, True),
        (2**31, False),
        (-(2**31) - 1, False),
        (10**400, False),
    ],
    ids=["zero", "negative", "the largest", "too large", "too small", "huge"],
)
def test_numbers_are_kept_if_the_contract_can_carry_them(
    value: int,
    kept: bool,
) -> None:
    """
    Protobuf raises for the others.
    """
    failed = raised(exit_code=value, signal=value).failed

    assert (kept, kept) == (failed.HasField("exit_code"), failed.HasField("signal"))
    assert not kept or value == failed.exit_code == failed.signal


def test_denials_are_reported_as_the_tools_word() -> None:
    """
    It could lie, and the caller must see that.
    """
    [denied] = raised(
        denials=[{"wall": "mounts", "operation": "open", "target": "/x", "reason": "not_granted"}]
    ).denials

    assert (pb.WALL_MOUNTS, "open", "/x") == (denied.wall, denied.operation, denied.target)
    assert pb.EVIDENCE_REPORTED_BY_TOOL == denied.evidence


def test_a_broken_protocol_is_the_tools_fault_not_ours() -> None:
    """
    `lost` wakes somebody up; a hostile tool must not be able to.
    """
    outcome = endings.broke_protocol("frame 30 is not a tool's")

    assert "failed" == outcome.WhichOneof("kind")
    assert "frame 30" in outcome.message
