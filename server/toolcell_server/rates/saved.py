"""
Windows of an hour and more, kept in the database over a restart.

Theory of operation.  A write for each call would cost each call; so what changed is written
together, at most once a second, and at the end.  A server that is killed, `kill -9` included,
forgets at most what its last second counted, in the callers' favour.  Windows are written whole:
one row of at most 1 kB for each key that changed.

While the database cannot be written, a restart would give everybody a new quota.  So `failing` says
why, and whoever counts on the windows refuses; it is tried again each second, and the next time
that it works ends that.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from toolcell_server.database import StoreFailed
from toolcell_server.rates.window import MovingWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_server.database import Database

SAVE_SECONDS: Final = 1.0
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS rate_windows (
    key TEXT PRIMARY KEY,
    seconds INTEGER NOT NULL,
    entries BLOB NOT NULL
) WITHOUT ROWID
"""
_SAVE: Final = "INSERT OR REPLACE INTO rate_windows (key, seconds, entries) VALUES (?, ?, ?)"
_DELETE: Final = "DELETE FROM rate_windows WHERE key = ?"
_log = logging.getLogger(__name__)


class Saved:
    """
    Saves the windows that it watches.  `later` calls a function after so many seconds, on the loop
    if it is not given.  Its tables are made at once.

    Raises:
        StoreFailed: they cannot be made.
    """

    def __init__(
        self,
        database: Database,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        database.prepare(_TABLE)
        self._database = database
        self._later = later or _on_the_loop
        self._windows: Mapping[str, MovingWindow] = {}
        self._dirty: set[str] = set()
        self._planned = False
        self.failing = ""  # why nothing can be saved; empty: it can

    def load(self, now: float) -> dict[str, MovingWindow]:
        """
        What was saved and still counts.  What no longer does is deleted with the next that changes.

        Raises:
            StoreFailed: it cannot be read, or is not what was written.
        """
        found = {}
        for key, seconds, entries in self._database.query("SELECT * FROM rate_windows"):
            try:
                window = MovingWindow.restored(seconds, entries, now)
            except (ValueError, TypeError, OverflowError) as exc:
                raise StoreFailed(f"rate_windows, key {key!r}: {exc}") from exc
            if window.used(now):
                found[key] = window
            else:
                self._dirty.add(key)
        return found

    def watch(self, windows: Mapping[str, MovingWindow]) -> None:
        """
        Save these from now on.
        """
        self._windows = windows

    def changed(self, key: str) -> None:
        """
        Save that window soon; delete it, if it is no longer there.
        """
        self._dirty.add(key)
        if not self._planned:
            self._planned = True
            self._later(SAVE_SECONDS, self._on_time)

    def save(self) -> None:
        """
        Save now what has changed.  If that fails, `failing` says why, and nothing is forgotten.
        """
        if not self._dirty:  # as after the last time, when the database may be closed already
            return
        try:
            with self._database.transaction():
                for key in self._dirty:
                    self._write(key)
        except StoreFailed as exc:
            if not self.failing:
                _log.error("quotas cannot be saved: %s", exc)
            self.failing = str(exc)
        else:
            self._dirty.clear()
            if self.failing:
                _log.warning("quotas can be saved again")
            self.failing = ""

    def _on_time(self) -> None:
        self._planned = False
        self.save()
        if self.failing:
            self._planned = True
            self._later(SAVE_SECONDS, self._on_time)

    def _write(self, key: str) -> None:
        if window := self._windows.get(key):
            self._database.execute(_SAVE, (key, window.seconds, window.dumped()))
        else:
            self._database.execute(_DELETE, (key,))


def _on_the_loop(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)
