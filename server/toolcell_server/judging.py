"""
Judges a cell that ended by itself: from what was seen to one outcome.  Pure.

The first cause wins: whoever ends a cell says why before it kills, and what comes later is only a
consequence.  A cell that ended by itself is judged by the kernel's account of its process; the
tool's own words (RESULT, RAISED) count only as far as that account allows: a result before a
crash is no result.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.endings import exceeded, failed, lost, raised, violated

if TYPE_CHECKING:
    from toolcell_server.cells import Reaping
    from toolcell_server.limits import Limits


@dataclass(slots=True)
class Words:
    """
    What the tool's process said before it ended.  Not to be trusted beyond its own call.
    """

    ready: bool = False
    result: bytes | None = None
    raised: dict[str, Any] | None = None
    confused: str = ""  # what it did that no tool of ours does


def judge(words: Words, reaping: Reaping, limits: Limits, *, observed: bool = False) -> pb.Outcome:
    """
    The outcome of a cell that ended without being ended.

    Args:
        words: what the tool's process said.
        reaping: the kernel's account of the cell.
        limits: the effective limits.
        observed: its filter asks us about foreign system calls, and never kills: whoever is ended
            by SIGSYS has sent it to himself.
    """
    if reaping.memory_kills:
        return exceeded("memory", limits)
    if not words.ready:
        return lost(pb.LOST_REASON_CELL_DIED, "the cell died before the tool was started")
    if os.WIFSIGNALED(reaping.status):
        number = os.WTERMSIG(reaping.status)
        if number == signal.SIGSYS and not observed:
            return violated("seccomp", "a system call of a foreign architecture")
        return _died(words, number, reaping, limits)
    code = os.waitstatus_to_exitcode(reaping.status)
    if words.confused:
        return failed("ProtocolError", words.confused, code)
    if words.raised is not None:
        return raised(words.raised, limits)
    if words.result is not None and len(words.result) > limits.result_bytes:
        return exceeded("result", limits)  # our own code in the tool's process would have said so
    if words.result is not None and code == 0:
        return pb.Outcome(completed=pb.Completed())
    return failed("", f"the tool exited with code {code} and without a result", code)


def _died(words: Words, number: int, reaping: Reaping, limits: Limits) -> pb.Outcome:
    """
    A signal that none of us sent.
    """
    used = reaping.user_seconds + reaping.system_seconds
    if number in {signal.SIGXCPU, signal.SIGKILL} and used >= limits.cpu_seconds:
        return exceeded("cpu", limits)
    if number == signal.SIGXFSZ:
        return exceeded("file_size", limits)
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    outcome = failed("", f"the tool was ended by signal {name}", None)
    outcome.failed.signal = number
    if words.raised is not None:
        outcome.failed.exception = raised(words.raised, limits).failed.exception
    return outcome
