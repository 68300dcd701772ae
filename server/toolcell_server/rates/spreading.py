"""
Spreads the refusals of one caller over time.

Theory of operation.  A caller with more calls at once than he may have is refused as often as he
asks, and whoever tries again after a fixed time asks in bursts: each refusal is cheap, and a burst
of them is in everybody's way at once.  So of the refusals that are one caller's, each leaves a
little later than the one before.  His next calls come apart, too, and no burst is left; to others
he is a trickle between which they pass.  A refusal that comes alone is not held back.

Nothing is held meanwhile but the RPC itself, and never for long: who floods all the same is refused
after `LONGEST_SECONDS`, each time, and is slower for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from toolcell_server.rates import subjects

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.principal import Principal

APART_SECONDS: Final = 0.004  # about four times what a refusal takes, both sides together
LONGEST_SECONDS: Final = 0.1  # arbitrary; shorter than any delay that a person notices
_MOST: Final = 1024  # callers at a time; more are not told apart


class Spreading:
    """
    Knows when the last refusal of each caller leaves.  Lives on one event loop; `clock` is that of
    the loop if it is not given.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._next: dict[str, float] = {}  # when the next one of that caller may leave

    async def wait(self, caller: Principal) -> None:
        """
        Wait until a refusal of that caller may leave.
        """
        if seconds := self.delay(caller):
            await asyncio.sleep(seconds)

    def delay(self, caller: Principal) -> float:
        """
        In how many seconds it may, if it is the next one.
        """
        now = self._clock() if self._clock else asyncio.get_running_loop().time()
        key = subjects.subject(caller)
        if key not in self._next and len(self._next) >= _MOST:
            self._forget(now)
            key = key if len(self._next) < _MOST else ""
        at = min(max(now, self._next.get(key, now)), now + LONGEST_SECONDS)
        self._next[key] = at + APART_SECONDS
        return at - now

    def _forget(self, now: float) -> None:
        self._next = {key: at for key, at in self._next.items() if at > now}
