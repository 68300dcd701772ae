"""
From what was seen of a cell to one outcome.
"""

from __future__ import annotations

import signal
from typing import Any

import pytest
from toolcell_server.cells import Reaping
from toolcell_server.judging import Words, judge
from toolcell_server.limits import Limits
from toolcell_server.outcomes import label

LIMITS = Limits(cpu_seconds=2.0, result_bytes=100)
RAISED = {"exception": "ValueError", "message": "no"}
EXITED_1, EXITED_125 = 1 << 8, 125 << 8


def words(**said: Any) -> Words:
    return Words(ready=True, **said)


def judged(said: Words, status: int, used: float = 0.1) -> Any:
    return judge(said, Reaping(status, used, 0.0, 0), LIMITS)


@pytest.mark.parametrize(
    ("said", "status", "used", "expected"),
    [
        pytest.param(words(result=b"7"), 0, 0.1, "completed", id="a result and exit 0"),
        pytest.param(words(raised=RAISED), 0, 0.1, "failed", id="an exception and exit 0"),
        pytest.param(words(raised=RAISED), EXITED_1, 0.1, "failed", id="an exception and exit 1"),
        pytest.param(
            words(raised={"limit": "disk"}), 0, 0.1, "exceeded_disk", id="an exception by a limit"
        ),
        pytest.param(words(), 0, 0.1, "failed", id="nothing said and exit 0"),
        pytest.param(words(result=b"7"), EXITED_125, 0.1, "failed", id="a result and exit 125"),
        pytest.param(words(result=b"7"), 11, 0.1, "failed", id="a result before a crash"),
        pytest.param(words(result=b"7"), 9, 0.1, "failed", id="a result before it was killed"),
        pytest.param(
            words(result=b"7", raised=RAISED), 0, 0.1, "failed", id="a result and an exception"
        ),
        pytest.param(
            words(result=b"7", confused="two"), 0, 0.1, "failed", id="a result and confusion"
        ),
        pytest.param(
            words(result=b"x" * 101), 0, 0.1, "exceeded_result", id="a result beyond its limit"
        ),
        pytest.param(words(result=b"x" * 100), 0, 0.1, "completed", id="a result at its limit"),
        pytest.param(words(), signal.SIGSYS, 0.1, "violated", id="killed by seccomp"),
        pytest.param(words(), signal.SIGKILL, 2.0, "exceeded_cpu", id="killed with cpu used up"),
        pytest.param(words(), signal.SIGXCPU, 2.5, "exceeded_cpu", id="SIGXCPU, cpu used up"),
        pytest.param(words(), signal.SIGKILL, 1.9, "failed", id="killed by itself, cpu left"),
        pytest.param(words(), signal.SIGXCPU, 0.1, "failed", id="SIGXCPU that it sent itself"),
        pytest.param(words(), signal.SIGXFSZ, 0.1, "exceeded_file_size", id="a file too large"),
        pytest.param(words(), signal.SIGSEGV, 5.0, "failed", id="a crash with cpu used up"),
        pytest.param(words(), signal.SIGTERM, 0.1, "failed", id="SIGTERM to itself"),
        pytest.param(Words(), 9, 0.1, "lost", id="the cell died before READY"),
        pytest.param(Words(), EXITED_125, 0.1, "lost", id="it exited before READY"),
        pytest.param(Words(), signal.SIGSYS, 5.0, "lost", id="seccomp before READY"),
    ],
)
def test_the_kernels_account_decides_and_the_tools_word_only_where_it_may(
    said: Words, status: int, used: float, expected: str
) -> None:
    """
    A tool must not be able to claim a success that was none, nor a fault of ours.
    """
    assert expected == label(judged(said, status, used))


def test_who_is_asked_about_foreign_calls_has_sent_himself_the_signal_of_one() -> None:
    """
    "A wall ended it" is an alarm, and not the tool's to raise: an observed filter never kills.
    """
    reaping = Reaping(signal.SIGSYS, 0.1, 0.0, 0)

    assert "failed" == label(judge(words(), reaping, LIMITS, observed=True))
    assert "violated" == label(judge(words(), reaping, LIMITS))


@pytest.mark.parametrize("number", [*signal.valid_signals()], ids=lambda n: f"signal {int(n)}")
def test_every_signal_has_an_outcome(number: int) -> None:
    """
    Real-time signals have no name in Python.
    """
    outcome = judged(words(), int(number))

    assert label(outcome) in {"failed", "violated", "exceeded_file_size"}
    assert label(outcome) != "failed" or int(number) == outcome.failed.signal


def test_a_core_that_was_dumped_is_no_other_signal() -> None:
    """
    The wait status has a bit for it.
    """
    assert signal.SIGABRT == judged(words(), signal.SIGABRT | 0x80).failed.signal


def test_an_exception_before_a_crash_is_named() -> None:
    """
    It is probably the cause.
    """
    outcome = judged(words(raised=RAISED), signal.SIGSEGV)

    assert ("ValueError", signal.SIGSEGV) == (outcome.failed.exception, outcome.failed.signal)


def test_an_exit_code_is_told() -> None:
    """
    os._exit in a tool leaves nothing else.
    """
    outcome = judged(words(), 42 << 8)

    assert (42, True) == (outcome.failed.exit_code, "42" in outcome.message)


def test_confusion_is_named() -> None:
    """
    Whoever wrote the tool finds out what it did.
    """
    outcome = judged(words(result=b"7", confused="it sent two endings"), 0)

    assert ("ProtocolError", "it sent two endings") == (outcome.failed.exception, outcome.message)
