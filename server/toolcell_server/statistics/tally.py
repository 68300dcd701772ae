"""
The counts of one version of one tool.  Pure: the time is passed in.

Theory of operation.  Everything is bounded, whatever a tool or its callers do: endings come from a
closed set, error types are the tool's words and therefore counted for the first `ERROR_TYPES` of
them, the rest as `OTHER`; callers are known by a hash, the first `CALLERS` of them; durations are
in a sketch.

A run that was answered from the cache is a hit and counts in nothing that was measured.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.statistics.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR_TYPES: Final = 32  # arbitrary; more are no types but messages
CALLERS: Final = 10_000  # arbitrary; 80 kB of hashes for each tool
LONGEST_TYPE: Final = 64
LONGEST_MESSAGE: Final = 500
OTHER: Final = "other"
_UNSUCCESSFUL: Final = ("failed", "exceeded", "violated", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """
    One execution that ended, as far as it is counted.  `outcome` is a label of `outcomes.py`;
    `at` is in nanoseconds since 1970.  `error` is empty if it completed.
    """

    caller: str
    outcome: str
    seconds: float
    at: int
    cpu_seconds: float = 0.0
    memory_peak_bytes: int = 0
    cost: float = 0.0
    cached: bool = False
    error: str = ""
    message: str = ""


@dataclass(slots=True)
class Tally:
    """
    Counts endings.  `cost` is in the operator's own unit.
    """

    calls: int = 0
    cached: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    memory_peak_bytes: int = 0
    memory_sum_bytes: int = 0
    cost: float = 0.0
    first_called: int = 0
    last_called: int = 0
    last_error: dict[str, Any] = field(default_factory=dict)  # at, type, outcome, message
    durations: Sketch = field(default_factory=Sketch)
    callers: set[bytes] = field(default_factory=set)

    def add(self, ending: Ending) -> bytes | None:
        """
        Count one.

        Returns:
            The hash of its caller, if it is the first call of his that is counted.
        """
        self.calls += 1
        self.first_called = self.first_called or ending.at
        self.last_called = max(self.last_called, ending.at)
        self.outcomes[ending.outcome] = self.outcomes.get(ending.outcome, 0) + 1
        if ending.cached:
            self.cached += 1
        else:
            self._measure(ending)
        if ending.error:
            self._note(ending)
        return self._meet(ending.caller)

    @property
    def failures(self) -> int:
        """
        Endings that are neither a completion nor somebody's wish.
        """
        return sum(count for kind, count in self.outcomes.items() if kind.startswith(_UNSUCCESSFUL))

    @property
    def error_rate(self) -> float:
        """
        Of those that were not cancelled, the part that failed.
        """
        judged = self.calls - self.outcomes.get("cancelled", 0)
        return self.failures / judged if judged else 0.0

    def quantile(self, part: float) -> float:
        """
        Seconds within which that part of the runs ended; 0.0 if there was none.
        """
        return self.durations.quantile(part)

    @property
    def measured(self) -> int:
        """
        How many ran.
        """
        return self.calls - self.cached

    def dumped(self) -> tuple[str, bytes]:
        """
        The counts and the sketch; callers are not among them.
        """
        counts = {name: getattr(self, name) for name in _COUNTS}
        return json.dumps(counts), self.durations.dumped()

    @classmethod
    def restored(cls, counts: str, durations: bytes) -> Self:
        """
        What was dumped.

        Raises:
            ValueError: it was not.
        """
        values: Mapping[str, Any] = json.loads(counts)
        if not isinstance(values, dict) or not values.keys() <= set(_COUNTS):
            raise ValueError("these are no counts of a tool")
        return cls(**values, durations=Sketch.restored(durations))

    def _measure(self, ending: Ending) -> None:
        self.durations.add(ending.seconds)
        self.cpu_seconds += ending.cpu_seconds
        self.memory_peak_bytes = max(self.memory_peak_bytes, ending.memory_peak_bytes)
        self.memory_sum_bytes += ending.memory_peak_bytes
        self.cost += ending.cost

    def _note(self, ending: Ending) -> None:
        kind = ending.error[:LONGEST_TYPE]
        if kind not in self.errors and len(self.errors) >= ERROR_TYPES:
            kind = OTHER
        self.errors[kind] = self.errors.get(kind, 0) + 1
        message = ending.message[:LONGEST_MESSAGE]
        self.last_error = {"at": ending.at, "type": kind, "message": message}
        self.last_error["outcome"] = ending.outcome

    def _meet(self, caller: str) -> bytes | None:
        known = hashlib.blake2b(caller.encode(), digest_size=8).digest()
        if known in self.callers or len(self.callers) >= CALLERS:
            return None
        self.callers.add(known)
        return known


_COUNTS: Final = tuple(
    name for name in Tally.__dataclass_fields__ if name not in ("durations", "callers")
)
