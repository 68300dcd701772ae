"""
Where tallies are kept in the database.

Theory of operation.  As with quotas (`rates/saved.py`): a write for each call would cost each call,
so what has changed is written together, at most once in `SAVE_SECONDS`, and at the end.  A server
that is killed forgets what it counted since.  A caller is written when he is first met, one row of
eight bytes, because a set that is written whole would be 80 kB.

Statistics prove nothing and permit nothing: if they cannot be written, calls go on, the log says so
once, and it is tried again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell_server.database import StoreFailed
from toolcell_server.statistics.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from toolcell_server.database import Database

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS tool_statistics (
    tool TEXT NOT NULL,
    version TEXT NOT NULL,
    counts TEXT NOT NULL,
    durations BLOB NOT NULL,
    PRIMARY KEY (tool, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tool_callers (
    tool TEXT NOT NULL,
    version TEXT NOT NULL,
    caller BLOB NOT NULL,
    PRIMARY KEY (tool, version, caller)
) WITHOUT ROWID;
"""
_SAVE: Final = "INSERT OR REPLACE INTO tool_statistics VALUES (?, ?, ?, ?)"
_MEET: Final = "INSERT OR IGNORE INTO tool_callers VALUES (?, ?, ?)"
_FORGET: Final = (
    "DELETE FROM tool_statistics WHERE tool = ? AND version = ?",
    "DELETE FROM tool_callers WHERE tool = ? AND version = ?",
)
_log = logging.getLogger(__name__)


class Key(NamedTuple):
    """
    Which tool, by its identity (`Tool.identity`), and which version.
    """

    tool: str
    version: str


class Saving:
    """
    Reads and writes tallies.  Its tables are made at once.

    Raises:
        StoreFailed: they cannot be made.
    """

    def __init__(self, database: Database) -> None:
        database.prepare(_TABLES)
        self._database = database
        self._failing = False

    def load(self) -> dict[Key, Tally]:
        """
        What was saved.  A row that cannot be read is logged, and its tool begins anew.

        Raises:
            StoreFailed: the tables cannot be read.
        """
        found: dict[Key, Tally] = {}
        for *names, counts, durations in self._database.query("SELECT * FROM tool_statistics"):
            try:
                found[Key(*names)] = Tally.restored(counts, durations)
            except (ValueError, TypeError) as exc:
                _log.warning("the statistics of %s begin anew: %s", names, exc)
        for *names, caller in self._database.query("SELECT * FROM tool_callers"):
            if tally := found.get(Key(*names)):
                tally.callers.add(caller)
        return found

    def save(self, tallies: Mapping[Key, Tally | None], met: Iterable[tuple[Key, bytes]]) -> bool:
        """
        Write those tallies, None for one that is to be forgotten, and the callers that were met.

        Returns:
            Whether it is written; if not, none of it is.
        """
        try:
            with self._database.transaction():
                for key, tally in tallies.items():
                    self._write(key, tally)
                for key, caller in met:
                    self._database.execute(_MEET, (*key, caller))
        except StoreFailed as exc:
            if not self._failing:
                _log.error("statistics cannot be saved: %s", exc)
            self._failing = True
            return False
        self._failing = False
        return True

    def _write(self, key: Key, tally: Tally | None) -> None:
        if tally is not None:
            self._database.execute(_SAVE, (*key, *tally.dumped()))
            return
        for statement in _FORGET:
            self._database.execute(statement, key)
