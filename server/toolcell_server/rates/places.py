"""
How many calls are under way at once, by key.  Times in seconds.

A place is taken when a call has been let through and given back when its ending is told, or its
execution is closed without one; it covers the queue.  When it will be given back nobody knows: the
delay that a refusal names is how long places of that bound were held lately, by how many there are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from toolcell_server.rates.windows import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_server.rates.rules import Bound
    from toolcell_server.rates.windows import Use

SHORTEST_SECONDS: Final = 0.05  # arbitrary; sooner, a refusal costs more than it spares
LONGEST_SECONDS: Final = 10.0  # arbitrary; a guess is worth nothing beyond
GUESSED_SECONDS: Final = 0.5  # arbitrary; before the first place was given back
_WEIGHT: Final = 0.2  # of the last place in the average


class Places:
    """
    Counts places.  Lives on one event loop; only keys that are in use are kept.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken: dict[str, int] = {}
        self._held: dict[str, float] = {}  # on average, by prefix of a bound

    def look(self, uses: Sequence[Use]) -> list[Standing]:
        """
        How each use stands.
        """
        found = []
        for use in uses:
            taken = self._taken.get(use.key, 0)
            full = taken >= use.bound.limit
            found.append(Standing(use, taken, self._guess(use.bound) if full else 0.0))
        return found

    def take(self, uses: Sequence[Use]) -> Callable[[], None]:
        """
        Take a place of each; what is returned gives them back, once, however often it is called.
        """
        begun = self._clock()
        for use in uses:
            self._taken[use.key] = self._taken.get(use.key, 0) + 1
        held = [uses]
        return lambda: self._give_back(held.pop(), begun) if held else None

    def _give_back(self, uses: Sequence[Use], begun: float) -> None:
        seconds = self._clock() - begun
        for use in uses:
            self._taken[use.key] -= 1
            if not self._taken[use.key]:
                del self._taken[use.key]
            held = self._held.get(use.bound.prefix, seconds)
            self._held[use.bound.prefix] = held + _WEIGHT * (seconds - held)

    def _guess(self, bound: Bound) -> float:
        held = self._held.get(bound.prefix, GUESSED_SECONDS)
        return min(max(held / bound.limit, SHORTEST_SECONDS), LONGEST_SECONDS)
