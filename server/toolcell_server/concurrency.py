"""
How many executions may run at once, given how the host bears those that do.  Pure.

Theory of operation.  `max_executions` is the operator's word; within it the host is asked.

*Cores.*  A call that waits costs no core, one that computes costs one, and which it will be nobody
knows before.  The measure is how many threads want to run (`/proc/loadavg`), not how busy the
processors are: it says how far demand is beyond them, and whoever waits for I/O is not in it.  Up
to `PER_CORE` for each processor all is well, and the limit rises, by half at a time; beyond, it
is what would bring them back to that number.  So a thousand that wait run at once on two cores,
and of a thousand that compute a few at a time.

*Memory.*  What is available, without a reserve for the host, divided by what an execution typically
takes.  Those that began lately have not taken theirs yet: they are counted against it.  Limits are
not added up, because hardly any execution takes all it may.  When the host stalls for memory
(PSI), no more than those that run.

Nothing that runs is ended for it: only turns come later.  A controller on latency (gradient, AIMD;
Netflix's concurrency-limits) was not taken, because the latency of a call is its tool's own affair
and differs a thousandfold between tools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 2**20
PER_CORE: Final = 4  # arbitrary; tools wait more than they compute
SMOOTHED: Final = 0.25  # arbitrary; what the newest number weighs: one look is chance
GROWTH: Final = 1.5  # arbitrary; of the limit at each look
LASTING: Final = 0.02  # arbitrary; what the newest limit weighs in the one that lasts
STALLED_PERCENT: Final = 10.0  # arbitrary; of the time in which somebody waited for memory
USUAL_BYTES: Final = 64 * MEBIBYTE  # arbitrary; of an execution, until some have been measured
RESERVED_SHARE: Final = 0.05  # of all memory, arbitrary; left to the host


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What the host says: threads that want to run, memory in bytes, and the percentage of the last
    ten seconds in which some process waited for memory.
    """

    runnable: int
    available_bytes: int
    total_bytes: int
    stalled_percent: float = 0.0


class Concurrency:
    """
    The limit, between 1 and `maximum`; `cores` are those that we may use.  `lasting` follows it
    within some fifty looks: to build many cells at once takes the cores for a moment, and says
    nothing of what will be in them.
    """

    def __init__(self, maximum: int, cores: int) -> None:
        self.maximum = maximum
        self.limit = maximum
        self.lasting = float(maximum)
        self._tolerated = PER_CORE * cores
        self._runnable = 0.0
        self._by_cores = float(maximum)

    def look(self, load: Load, running: int, young: int, typical_bytes: float) -> int:
        """
        The limit from now on.  `young` of those that run began lately; `typical_bytes` is what one
        takes, 0: not known.
        """
        by_memory = _by_memory(load, running, young, typical_bytes or USUAL_BYTES)
        self.limit = max(1, min(self.maximum, self._for_cores(load, running), by_memory))
        self.lasting += LASTING * (self.limit - self.lasting)
        return self.limit

    def _for_cores(self, load: Load, running: int) -> int:
        self._runnable += SMOOTHED * (load.runnable - self._runnable)
        if self._runnable <= self._tolerated:
            self._by_cores = min(self.maximum, self._by_cores * GROWTH + 1)
        else:
            bearable = running * self._tolerated / self._runnable
            # As many as that are borne even if they all compute; the host may have other work.
            self._by_cores = max(self._tolerated, min(self._by_cores, bearable))
        return int(self._by_cores)


def _by_memory(load: Load, running: int, young: int, typical_bytes: float) -> int:
    if load.stalled_percent >= STALLED_PERCENT:
        return running
    spare = load.available_bytes - RESERVED_SHARE * load.total_bytes
    return running - min(young, running) + int(spare // typical_bytes)
