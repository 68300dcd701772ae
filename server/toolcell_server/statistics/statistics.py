"""
The tallies of all tools.

Theory of operation.  There are as many as there were tools that ran, `TALLIES` at most: whoever
registers and calls ever new versions makes the one forgotten that was called the longest ago.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from toolcell_server import outcomes
from toolcell_server.statistics.saving import Key
from toolcell_server.statistics.tally import Ending, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.execution import Execution
    from toolcell_server.statistics.saving import Saving
    from toolcell_server.tool import Tool

SAVE_SECONDS: Final = 5.0  # arbitrary; a tool that is called all the time is some kB each
TALLIES: Final = 20_000  # arbitrary; twice as many as a registry holds tools


class Statistics:
    """
    Counts what has ended.  `later` calls a function after so many seconds, on the loop if it is
    not given; without `saving` nothing outlives the server.

    Raises:
        StoreFailed: what was saved cannot be read.
    """

    def __init__(
        self,
        saving: Saving | None = None,
        later: Callable[[float, Callable[[], None]], object] | None = None,
        spent: Callable[[str, float], object] = lambda _tool, _cost: None,
    ) -> None:
        self._saving = saving
        self._later = later or _on_the_loop
        self._spent = spent
        self._tallies = saving.load() if saving else {}
        self._dirty: set[Key] = set()
        self._met: list[tuple[Key, bytes]] = []
        self._planned = False

    def of(self, tool: Tool) -> Tally | None:
        """
        What is known of a tool; None: it never ran.
        """
        return self._tallies.get(key_of(tool))

    def count(self, execution: Execution, finished: pb.Finished) -> None:
        """
        Count an execution that has just ended.
        """
        tool = execution.tool
        ending = _ending(execution, finished)
        key = key_of(tool)
        tally = self._tallies.get(key) or self._begin(key)
        if (caller := tally.add(ending)) is not None:
            self._met.append((key, caller))
        if ending.cost and not ending.cached:
            self._spent(tool.label, ending.cost)
        self._dirty.add(key)
        self._plan()

    def save(self) -> None:
        """
        Write what has changed; what cannot be written is tried again with what comes.
        """
        if self._saving is None or not (self._dirty or self._met):
            return
        changed = {key: self._tallies.get(key) for key in self._dirty}
        if self._saving.save(changed, self._met):
            self._dirty.clear()
            self._met.clear()

    def _begin(self, key: Key) -> Tally:
        if len(self._tallies) >= TALLIES:
            oldest = min(self._tallies, key=lambda one: self._tallies[one].last_called)
            del self._tallies[oldest]
            self._met = [(one, caller) for one, caller in self._met if one != oldest]
            self._dirty.add(oldest)
        self._tallies[key] = tally = Tally()
        return tally

    def _plan(self) -> None:
        if self._saving is not None and not self._planned:
            self._planned = True
            self._later(SAVE_SECONDS, self._on_time)

    def _on_time(self) -> None:
        self._planned = False
        self.save()
        if self._dirty:
            self._plan()


def key_of(tool: Tool) -> Key:
    """
    What a tool is counted under.
    """
    return Key(tool.identity, tool.version)


def _ending(execution: Execution, finished: pb.Finished) -> Ending:
    outcome, usage = finished.outcome, finished.usage
    cpu_seconds = outcomes.cpu_seconds(usage)
    return Ending(
        caller=execution.principal,
        outcome=outcomes.label(outcome),
        seconds=time.monotonic() - execution.accepted,
        at=time.time_ns(),
        cpu_seconds=cpu_seconds,
        memory_peak_bytes=usage.memory_peak_bytes,
        cost=execution.tool.price.of(cpu_seconds),
        cached=finished.cached,
        error=_error(outcome),
        message=outcome.message,
    )


def _error(outcome: pb.Outcome) -> str:
    """
    The type of an error: the tool's own code or exception, else how it ended.
    """
    kind = outcome.WhichOneof("kind")
    if kind in ("completed", "cancelled"):
        return ""
    failed = outcome.failed
    return failed.code or failed.exception or outcomes.label(outcome)


def _on_the_loop(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)
