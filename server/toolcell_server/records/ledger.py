"""
The table of executions in the database: one row each, from its start or its ending on.

Theory of operation.  A row without `ended` is an execution that runs, or over which the server
died.  Only the start writes one (calls with a `request_id`, before anything runs); the ending
completes it, or makes it.  Two starts with one scope cannot be: those on file are counted in
memory, by their hash, and looked up where it is there; the index is unique besides.  Rows have the
number of their record, so that pages of a list go on over a restart.

What is written is durable when the method returns: ahead of the database (`ahead.py`), which takes
over many rows at once (`take_over`), most of them with their start and their ending.  Whoever reads
has it take over first what waits, unless nothing there can be meant.

The indices are of endings only, where that is all that is looked for.  What neither of two indices
has is found by comparing them, once, at the start of the server.  Counts are of rows that have
ended; what they are is asked once, at the start, as the scopes are: there is no other writer.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from toolcell_server.database import StoreFailed
from toolcell_server.idempotency import Scope
from toolcell_server.records.entries import Entry

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from toolcell_server.database import Database
    from toolcell_server.records.ahead import Ahead

MOST_WAITING: Final = 1024  # rows; so many while the database fails, and then no more are written
MOST_BYTES: Final = 8 * 2**20

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS executions (
    number INTEGER PRIMARY KEY,
    execution_id TEXT NOT NULL,
    principal TEXT NOT NULL,
    tool TEXT NOT NULL,
    asked TEXT NOT NULL,
    request_id TEXT,
    fingerprint BLOB,
    repeatable INTEGER NOT NULL,
    interrupted INTEGER NOT NULL,
    ended INTEGER,
    size INTEGER NOT NULL,
    summary BLOB NOT NULL,
    events BLOB NOT NULL,
    answer BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS executions_by_request
    ON executions (principal, asked, request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS executions_by_id
    ON executions (execution_id) WHERE ended IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_ending ON executions (ended, size)
    WHERE ended IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_principal ON executions (principal, number, tool)
    WHERE ended IS NOT NULL;
"""
_COLUMNS: Final = ", ".join(Entry._fields)
_VALUES: Final = ", ".join("?" * len(Entry._fields))
_INSERT: Final = f"INSERT INTO executions ({_COLUMNS}) VALUES ({_VALUES})"  # noqa: S608  # ours
_BEGIN: Final = f"{_INSERT} ON CONFLICT DO NOTHING"
_END: Final = f"""{_INSERT} ON CONFLICT (number) DO UPDATE SET
    interrupted = excluded.interrupted, ended = excluded.ended, size = excluded.size,
    summary = excluded.summary, events = excluded.events, answer = excluded.answer
    ON CONFLICT DO NOTHING
"""
_SELECT: Final = f"SELECT {_COLUMNS} FROM executions"  # noqa: S608  # as above
_LIGHT: Final = ", ".join("x''" if name in {"events", "answer"} else name for name in Entry._fields)
_SELECT_LIGHT: Final = f"SELECT {_LIGHT} FROM executions"  # noqa: S608  # as above
_REMOVED: Final = "RETURNING size, principal, asked, request_id"
_REMOVE: Final = f"DELETE FROM executions WHERE number = ? AND ended IS NOT NULL {_REMOVED}"  # noqa: S608  # ours
_FORGET: Final = f"""DELETE FROM executions WHERE number IN (
    SELECT number FROM executions WHERE ended IS NOT NULL AND ended < ? ORDER BY ended LIMIT ?
) {_REMOVED}
"""  # noqa: S608  # ours
_LAST: Final = "SELECT coalesce(max(number), 0) FROM executions"
_SCOPES: Final = "SELECT principal, asked, request_id FROM executions WHERE request_id IS NOT NULL"
_COUNT: Final = "SELECT count(*), coalesce(sum(size), 0) FROM executions WHERE ended IS NOT NULL"
_UNFINISHED: Final = """WHERE number IN (
    SELECT number FROM executions WHERE request_id IS NOT NULL
    EXCEPT SELECT number FROM executions WHERE ended IS NOT NULL
)"""
_HIGHEST: Final = 2**63 - 1
_NUMBERS: Final = """SELECT number FROM executions
    WHERE number < ? AND ended >= ? {narrowed} ORDER BY number DESC LIMIT 256
"""


class Ledger:
    """
    Rows of executions.  `count` and `size` are of those that have ended; `last_number` is the
    highest that there is.  Every method raises `StoreFailed` if what it needs cannot be used.
    """

    def __init__(self, database: Database, ahead: Ahead) -> None:
        self._database = database
        self._ahead = ahead
        self._waiting: dict[int, Entry] = {}  # for the database, by number
        self._waiting_bytes = 0
        self.last_number: int
        self.count: int
        self.size: int
        try:
            database.prepare(_TABLE)
            for entry in ahead.found():
                self._wait(entry)
            self.take_over()
            ahead.clear()  # of what was only half written, too
            self._scopes = Counter(map(hash, database.query(_SCOPES)))
            [(self.last_number,)] = database.query(_LAST)
            [(self.count, self.size)] = database.query(_COUNT)
        except StoreFailed as exc:
            remedy = "name another state_dir, or move the database away"
            raise StoreFailed(f"the table of executions cannot be used: {exc}; {remedy}") from exc

    def begin(self, entry: Entry) -> bool:
        """
        Write a start.  False, and nothing is written: the scope has one already.
        """
        scope = Scope(entry.principal, entry.asked, entry.request_id or "")
        if self.by_request(scope) is not None:
            return False
        self._write([entry])
        self._scopes[hash(scope)] += 1
        return True

    def end(self, entries: Sequence[Entry]) -> None:
        """
        Write endings, all or none of them.
        """
        self._write(entries)
        self.count += len(entries)
        self.size += sum(entry.size for entry in entries)

    def take_over(self) -> None:
        """
        Let the database have what waits.
        """
        if not self._waiting:
            return
        with self._database.transaction():
            for entry in self._waiting.values():
                self._database.execute(_BEGIN if entry.ended is None else _END, entry)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._ahead.clear()

    def close(self) -> None:
        """
        Give the file back.  What waits is in it.
        """
        self._ahead.close()

    def unfinished(self) -> list[Entry]:
        """
        Those without an ending, all of which have a `request_id`.
        """
        return self._select(_UNFINISHED)

    def by_id(self, execution_id: str) -> Entry | None:
        return next(
            iter(self._select("WHERE execution_id = ? AND ended IS NOT NULL", execution_id)), None
        )

    def by_request(self, scope: Scope) -> Entry | None:
        if hash(scope) not in self._scopes:
            return None  # as nearly always: this takes no look at the database
        where = "WHERE principal = ? AND asked = ? AND request_id = ?"
        return next(iter(self._select(where, *scope)), None)

    def newest_first(
        self, before: int, since: int, tool: str, principal: str, without: Container[int]
    ) -> Iterator[Entry]:
        """
        Those with a lower number than `before` that ended at `since` or later, of that tool and
        principal; empty: of all.  The numbers of `without`, which may be many, are passed over.
        They come without events and answer, which a list does not tell, and which are megabytes.
        """
        narrow = {"tool": tool, "principal": principal}
        values = [value for value in narrow.values() if value]
        narrowed = "".join(f" AND {name} = ?" for name, value in narrow.items() if value)
        statement = _NUMBERS.format(narrowed=narrowed)
        self.take_over()
        while page := self._database.query(statement, [before, since, *values]):
            for (number,) in page:
                if number not in without:
                    yield from self._select("WHERE number = ?", number, select=_SELECT_LIGHT)
            before = page[-1][0]

    def remove(self, number: int) -> None:
        """
        Remove one that has ended.
        """
        self.take_over()
        self._removed(self._database.query(_REMOVE, [number]))

    def forget(self, maximum: int, ended_before: int | None = None) -> int:
        """
        Remove at most so many rows, those that ended first, or only those of them that ended before
        that time.  Those that have not ended stay.

        Returns:
            How many were removed.
        """
        self.take_over()
        until = _HIGHEST if ended_before is None else ended_before
        return self._removed(self._database.query(_FORGET, [until, maximum]))

    def _write(self, entries: Sequence[Entry]) -> None:
        if len(self._waiting) >= MOST_WAITING or self._waiting_bytes >= MOST_BYTES:
            self.take_over()
        self._ahead.write(entries)
        for entry in entries:
            self._wait(entry)

    def _wait(self, entry: Entry) -> None:
        if (begun := self._waiting.get(entry.number)) is not None:
            entry = entry._replace(fingerprint=begun.fingerprint, repeatable=begun.repeatable)
        self._waiting[entry.number] = entry
        self._waiting_bytes += entry.size

    def _removed(self, rows: Sequence[tuple[int, str, str, str | None]]) -> int:
        self.count -= len(rows)
        for size, *scope in rows:
            self.size -= size
            if scope[-1] is not None:
                self._forget_scope(hash(tuple(scope)))
        return len(rows)

    def _forget_scope(self, scope: int) -> None:
        self._scopes[scope] -= 1
        if self._scopes[scope] <= 0:
            del self._scopes[scope]

    def _select(self, where: str, *values: str | int, select: str = _SELECT) -> list[Entry]:
        self.take_over()
        return [Entry(*row) for row in self._database.query(f"{select} {where}", values)]
