"""
The table of executions in the database: one row each, from its start or its ending on.

Theory of operation.  A row without `ended` is an execution that runs, or over which the server
died.  Only the start writes one (calls with a `request_id`, before anything runs); the ending
completes it, or makes it.  Two starts with one scope cannot be: the index is unique.  Rows have the
number of their record, so that pages of a list go on over a restart.

A start touches two pages and an ending four, which is most of what they cost: the indices are of
endings only, where that is all that is looked for.  What neither of two indices has is found by
comparing them, once, at the start of the server.

What is written is committed when the method returns.  Counts are of rows that have ended; what they
are is asked once, at the start: there is no other writer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.database import StoreFailed
from toolcell_server.records.entries import Entry

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from toolcell_server.database import Database
    from toolcell_server.idempotency import Scope

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
"""
_SELECT: Final = f"SELECT {_COLUMNS} FROM executions"  # noqa: S608  # as above
_LIGHT: Final = ", ".join("x''" if name in {"events", "answer"} else name for name in Entry._fields)
_SELECT_LIGHT: Final = f"SELECT {_LIGHT} FROM executions"  # noqa: S608  # as above
_REMOVE: Final = "DELETE FROM executions WHERE number = ? AND ended IS NOT NULL RETURNING size"
_FORGET: Final = """DELETE FROM executions WHERE number IN (
    SELECT number FROM executions WHERE ended IS NOT NULL AND ended < ? ORDER BY ended LIMIT ?
) RETURNING size
"""
_LAST: Final = "SELECT coalesce(max(number), 0) FROM executions"
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
    highest that there is.  Every method raises `StoreFailed` if the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.last_number: int
        self.count: int
        self.size: int
        try:
            database.prepare(_TABLE)
            [(self.last_number,)] = database.query(_LAST)
            [(self.count, self.size)] = database.query(_COUNT)
        except StoreFailed as exc:
            remedy = "name another state_dir, or move the database away"
            raise StoreFailed(f"the table of executions cannot be used: {exc}; {remedy}") from exc

    def begin(self, entry: Entry) -> bool:
        """
        Write a start.  False, and nothing is written: the scope has one already.
        """
        return self._database.execute(_BEGIN, entry) == 1

    def end(self, entries: Sequence[Entry]) -> None:
        """
        Write endings, all or none of them.
        """
        if len(entries) == 1:
            self._database.execute(_END, entries[0])  # it is a transaction of its own
        else:
            with self._database.transaction():
                for entry in entries:
                    self._database.execute(_END, entry)
        self.count += len(entries)
        self.size += sum(entry.size for entry in entries)

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
        while page := self._database.query(statement, [before, since, *values]):
            for (number,) in page:
                if number not in without:
                    yield from self._select("WHERE number = ?", number, select=_SELECT_LIGHT)
            before = page[-1][0]

    def remove(self, number: int) -> None:
        """
        Remove one that has ended.
        """
        self._removed(self._database.query(_REMOVE, [number]))

    def forget(self, maximum: int, ended_before: int | None = None) -> int:
        """
        Remove at most so many rows, those that ended first, or only those of them that ended before
        that time.  Those that have not ended stay.

        Returns:
            How many were removed.
        """
        until = _HIGHEST if ended_before is None else ended_before
        return self._removed(self._database.query(_FORGET, [until, maximum]))

    def _removed(self, sizes: Sequence[tuple[int]]) -> int:
        self.count -= len(sizes)
        self.size -= sum(size for (size,) in sizes)
        return len(sizes)

    def _select(self, where: str, *values: str | int, select: str = _SELECT) -> list[Entry]:
        return [Entry(*row) for row in self._database.query(f"{select} {where}", values)]
