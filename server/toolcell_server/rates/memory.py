"""
Counts in memory, for one server.

Theory of operation.  It has the interface of the library's own storages, and is there in place of
its `MemoryStorage`, for four reasons that were found by reading and measuring 5.8: that one starts
a `threading.Timer` whenever none is running, 87 threads a second at 530 calls a second, in a server
that has one on purpose; it reads `time.time()`, which no test can turn and any administrator can;
it keeps each call of a window, 1.5 MB for ten thousand a day; and it cannot give a call back.

Everything happens between two awaits, so looking at all windows and taking from all is one step,
whatever other calls do meanwhile.

Keys of callers who have gone must not stay.  Each `take` looks at two keys in turn and forgets
those whose window is empty: so all are looked at while half as many calls are made, there is
nothing to schedule, and no call pays for all.  Beyond `MOST_KEYS`, new keys of a bound share one:
whoever can invent callers is then limited as one of them, and those who were here keep theirs.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from limits.storage import MovingWindowSupport

from toolcell_server.database import StoreFailed
from toolcell_server.rates.window import MovingWindow
from toolcell_server.rates.windows import Standing, Use

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_server.rates.saved import Saved

MOST_KEYS: Final = 100_000  # arbitrary; some 50 MB
DURABLE_SECONDS: Final = 3600  # a shorter window is over about when a server is up again
_LOOKED_AT: Final = 2
_OTHERS: Final = "…"  # no subject and no tool is called so


class MemoryWindows(MovingWindowSupport):
    """
    Lives on one event loop.  `clock` gives seconds since 1970 that never fall; `saved`, if there
    is one, keeps windows of an hour and more.
    """

    base_exceptions: tuple[type[Exception], ...] = ()  # read by the library around its interface
    wrap_exceptions = False

    def __init__(
        self, clock: Callable[[], float], saved: Saved | None = None, most_keys: int = MOST_KEYS
    ) -> None:
        self._clock = clock
        self._saved = saved
        self._most_keys = most_keys
        self._windows: dict[str, MovingWindow] = saved.load(clock()) if saved else {}
        self._turn = deque(self._windows)
        if saved:
            saved.watch(self._windows)

    def __len__(self) -> int:
        return len(self._windows)

    async def take(
        self, uses: Sequence[Use], *, only_look: bool = False
    ) -> tuple[float, list[Standing]]:
        now = self._clock()
        if self._saved and self._saved.failing and any(map(_is_durable, uses)):
            raise StoreFailed(self._saved.failing)
        self._forget(now)
        standings, full = [], False
        for use in uses:
            standing = self._standing(use, now)
            standings.append(standing)
            full = full or standing.seconds > 0
        if not only_look and not full:
            for use in uses:
                if use.bound.kind == "calls":
                    self._add(use, now, 1)
        return now, standings

    def give_back(self, uses: Sequence[Use], at: float) -> None:
        now = self._clock()
        for use in uses:
            key, window = self._found(use)
            if window is not None and use.bound.kind == "calls":
                window.give_back(at, now)
                self._changed(key, use.bound.seconds)

    def charge(self, use: Use, amount: int) -> None:
        if amount > 0:
            self._add(use, self._clock(), amount)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """
        As the library defines it: whether so many more stayed within the limit, and are taken.
        """
        now = self._clock()
        window = self._windows.get(key)
        if (window.used(now) if window is not None else 0) + amount > limit:
            return False
        self._made(key, expiry).add(now, amount)
        self._changed(key, expiry)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002  # the library's signature
        """
        As the library defines it: the time of the first entry that counts, and how many do.
        """
        now = self._clock()
        window = self._windows.get(key)
        return (now, 0) if window is None else (window.oldest(now), window.used(now))

    def _standing(self, use: Use, now: float) -> Standing:
        _, window = self._found(use)
        if window is None:
            return Standing(use, 0)
        used = window.used(now)
        if used < use.bound.limit:
            return Standing(use, used)
        return Standing(use, used, window.seconds_until(now, use.bound.limit))

    def _add(self, use: Use, now: float, amount: int) -> None:
        key, window = self._found(use)
        if window is None:
            window = self._made(key, use.bound.seconds)
        window.add(now, amount)
        self._changed(key, use.bound.seconds)

    def _found(self, use: Use) -> tuple[str, MovingWindow | None]:
        """
        Where a use is counted, and the window if there is one.
        """
        window = self._windows.get(use.key)
        if window is not None or len(self._windows) < self._most_keys:
            return use.key, window
        shared = use.bound.prefix + _OTHERS
        return shared, self._windows.get(shared)

    def _made(self, key: str, seconds: int) -> MovingWindow:
        if key not in self._windows:
            self._windows[key] = MovingWindow(seconds)
            self._turn.append(key)
        return self._windows[key]

    def _changed(self, key: str, seconds: int) -> None:
        if self._saved and seconds >= DURABLE_SECONDS:
            self._saved.changed(key)

    def _forget(self, now: float) -> None:
        for _ in range(min(_LOOKED_AT, len(self._turn))):
            key = self._turn.popleft()
            window = self._windows[key]
            if window.used(now):
                self._turn.append(key)
            else:
                del self._windows[key]
                self._changed(key, window.seconds)


def _is_durable(use: Use) -> bool:
    return use.bound.seconds >= DURABLE_SECONDS
