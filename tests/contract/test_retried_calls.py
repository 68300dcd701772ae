"""
Calls of tools that fail for now, and are tried again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repeating import kinds, say

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client import Client


def test_a_tool_that_fails_for_now_is_tried_again_and_the_caller_is_told(
    repeating: Client, saying: Path
) -> None:
    say(saying, "down")
    stream = repeating.execute("patient", {"path": str(saying)})
    told = []
    for event in stream:
        told.append(event)
        if event.HasField("retrying"):
            say(saying, "better")
    result = stream.result().raise_for_outcome()
    retrying = [event.retrying for event in told if event.HasField("retrying")]

    assert "better" == result.value
    assert [1, 2] == [event.started.attempt for event in told if event.HasField("started")]
    assert [(1, 1.0)] == [(r.attempt, r.delay.ToTimedelta().total_seconds()) for r in retrying]
    assert "the other side is down" == retrying[0].outcome.message


def test_a_callers_own_mistake_is_not_tried_again(repeating: Client, saying: Path) -> None:
    say(saying, "wrong")
    told, result = kinds(repeating, "patient", {"path": str(saying)})

    assert "retrying" not in told
    assert "failed" == result.label


def test_no_retry_goes_beyond_the_deadline_of_the_call(repeating: Client, saying: Path) -> None:
    """
    The wait alone would take a second: whoever made it would end as exceeded.
    """
    say(saying, "down")
    result = repeating.run("patient", {"path": str(saying)}, timeout=0.9)

    assert "failed" == result.label
    assert "the other side is down" == result.outcome.message


def test_a_call_that_waits_for_its_next_attempt_can_be_cancelled(
    repeating: Client, saying: Path
) -> None:
    say(saying, "down")
    stream = repeating.execute("patient", {"path": str(saying)})
    next(event for event in stream if event.HasField("retrying"))
    stream.cancel()

    assert "cancelled(requested)" == stream.result().label


def test_what_a_failed_attempt_staged_is_never_put_in_place(
    repeating: Client, repeating_root: Path, saying: Path
) -> None:
    """
    Each attempt stages; the one that completes is committed, and no other.
    """
    out = repeating_root / "staged"
    say(saying, "down")
    seen = []
    stream = repeating.execute("staging", {"out": str(out), "path": str(saying)})
    for event in stream:
        if event.HasField("retrying"):
            seen.append(out.exists())
            say(saying, "up")
    result = stream.result().raise_for_outcome()

    assert [False] == seen
    assert (str(out),) == result.committed_paths
    assert "written while it said up" == out.read_text()
