"""
The tables of runs and of their events in the database.

Theory of operation.  An event is committed before anybody is told of it, and so before what it
announces happens; a run's state is changed in the transaction of the event that changes it.  Every
method raises `database.StoreFailed` if the database cannot be used.

What a run was asked for can be large, and is in a table of its own: rows are looked through on the
event loop, and a row is written anew with every event.  When all runs together are too large, those
of the principal with most bytes go: nobody's make others' go.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell.v1 import workflow_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.database import Database

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS workflow_runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    principal TEXT NOT NULL,
    caller TEXT NOT NULL,
    workflow TEXT NOT NULL,
    version INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    labels TEXT NOT NULL,
    state INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    ended INTEGER,
    size INTEGER NOT NULL,
    session_id TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS workflow_runs_by_request
    ON workflow_runs (principal, request_id) WHERE request_id != '';
CREATE INDEX IF NOT EXISTS workflow_runs_by_principal ON workflow_runs (principal, number);
CREATE INDEX IF NOT EXISTS workflow_runs_open ON workflow_runs (principal) WHERE ended IS NULL;
CREATE INDEX IF NOT EXISTS workflow_runs_by_ending ON workflow_runs (ended)
    WHERE ended IS NOT NULL;
CREATE INDEX IF NOT EXISTS workflow_runs_of_whom_by_ending ON workflow_runs (principal, ended)
    WHERE ended IS NOT NULL;
CREATE TABLE IF NOT EXISTS workflow_asked (
    run_id TEXT PRIMARY KEY,
    definition BLOB NOT NULL,
    inputs BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS workflow_events (
    run_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run_id, sequence)
) WITHOUT ROWID;
"""


class Row(NamedTuple):
    """
    One run; times are in nanoseconds since 1970.
    """

    number: int | None
    run_id: str
    principal: str
    caller: str
    workflow: str
    version: int
    request_id: str
    fingerprint: bytes
    labels: str
    state: int
    accepted: int
    ended: int | None = None
    size: int = 0  # bytes of its definition, its inputs and its events
    session_id: str = ""  # that every call names


_COLUMNS: Final = ", ".join(Row._fields)
_INSERT: Final = f"INSERT INTO workflow_runs VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608  # ours
_SELECT: Final = f"SELECT {_COLUMNS} FROM workflow_runs"  # noqa: S608  # as above
_ASKED: Final = "INSERT INTO workflow_asked VALUES (?, ?, ?)"
_EVENT: Final = "INSERT INTO workflow_events VALUES (?, ?, ?)"
_SIZE: Final = "UPDATE workflow_runs SET size = size + ? WHERE run_id = ? RETURNING principal"
_STATE: Final = "UPDATE workflow_runs SET state = ?, ended = ? WHERE run_id = ?"
_OPEN: Final = "SELECT count(*) FROM workflow_runs WHERE principal = ? AND ended IS NULL"
_FORGET: Final = """DELETE FROM workflow_runs WHERE number IN (
    SELECT number FROM workflow_runs WHERE ended IS NOT NULL AND {} ORDER BY ended LIMIT ?
) RETURNING run_id, principal, size
"""
_OLD: Final = _FORGET.format("ended < ?")
_TOO_MUCH: Final = _FORGET.format("principal = ?")
_SIZES: Final = "SELECT principal, sum(size) FROM workflow_runs GROUP BY principal"
_AT_ONCE: Final = 16  # runs that are removed before others have their turn
_ENTRY_BYTES: Final = 128  # what a row costs beside what is in it, about


class RunsStore:
    """
    Rows of runs, and their events.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.prepare(_TABLES)
        self._sizes = Counter[str](dict(database.query(_SIZES)))

    @property
    def size(self) -> int:
        """
        Of all runs.
        """
        return self._sizes.total()

    def size_of(self, principal: str) -> int:
        """
        Of that principal's runs.
        """
        return self._sizes[principal]

    @property
    def largest(self) -> str:
        """
        The principal whose runs are largest together; there must be runs.
        """
        return self._sizes.most_common(1)[0][0]

    def begin(self, row: Row, definition: bytes, inputs: bytes, event: bytes) -> None:
        """
        Write a run, what was asked for, and its first event.
        """
        with self._database.transaction():
            self._database.execute(_INSERT, row)
            self._database.execute(_ASKED, (row.run_id, definition, inputs))
            self._add(row.run_id, 1, event, len(definition) + len(inputs))

    def asked(self, run_id: str) -> tuple[bytes, bytes]:
        """
        The definition and the inputs of a run.
        """
        query = "SELECT definition, inputs FROM workflow_asked WHERE run_id = ?"
        [(definition, inputs)] = self._database.query(query, [run_id])
        return definition, inputs

    def append(
        self,
        run_id: str,
        sequence: int,
        data: bytes,
        state: pb.WorkflowRunState.ValueType | None = None,
        ended: int | None = None,
    ) -> None:
        """
        Write an event, and the state that the run has by it, if it changes that.
        """
        with self._database.transaction():
            self._add(run_id, sequence, data)
            if state is not None:
                self._database.execute(_STATE, (state, ended, run_id))

    def get(self, run_id: str) -> Row | None:
        return next(iter(self._select("WHERE run_id = ?", run_id)), None)

    def by_request(self, principal: str, request_id: str) -> Row | None:
        where = "WHERE principal = ? AND request_id = ?"
        return next(iter(self._select(where, principal, request_id)), None)

    def running(self) -> list[Row]:
        """
        Those to go on with.
        """
        return self._select("WHERE state = ? ORDER BY number", pb.WORKFLOW_RUN_STATE_RUNNING)

    def newest_first(
        self, before: int, maximum: int, principal: str | None, state: int, workflow: str
    ) -> list[Row]:
        """
        Those with a lower number, of that principal (None: of any), state and workflow, if given.
        """
        narrowing = {"principal = ?": principal, "state = ?": state or None}
        narrowing["workflow = ?"] = workflow or None
        given = {each: value for each, value in narrowing.items() if value is not None}
        where = " AND ".join(["number < ?", *given])
        values = (before, *given.values(), maximum)
        return self._select(f"WHERE {where} ORDER BY number DESC LIMIT ?", *values)

    def events(self, run_id: str) -> list[bytes]:
        query = "SELECT data FROM workflow_events WHERE run_id = ? ORDER BY sequence"
        return [data for (data,) in self._database.query(query, [run_id])]

    def last_event(self, run_id: str) -> bytes:
        """
        Empty if there is no such run.
        """
        query = "SELECT data FROM workflow_events WHERE run_id = ? ORDER BY sequence DESC LIMIT 1"
        return b"".join(data for (data,) in self._database.query(query, [run_id]))

    def count_open(self, principal: str) -> int:
        """
        How many of that principal's runs have not ended.
        """
        [(count,)] = self._database.query(_OPEN, [principal])
        return int(count)

    def forget(self, ended_before: int, crowding: str | None) -> None:
        """
        Remove some of what ended before; or, if somebody is `crowding`, of his that have ended the
        oldest.
        """
        with self._database.transaction():
            if crowding is not None:
                gone = self._database.query(_TOO_MUCH, [crowding, _AT_ONCE])
            else:
                gone = self._database.query(_OLD, [ended_before, _AT_ONCE])
            for run_id, _, _ in gone:
                for table in ("workflow_events", "workflow_asked"):
                    statement = f"DELETE FROM {table} WHERE run_id = ?"  # noqa: S608  # ours
                    self._database.execute(statement, [run_id])
        for _, principal, size in gone:
            self._sizes[principal] -= size
            if not self._sizes[principal]:
                del self._sizes[principal]

    def _add(self, run_id: str, sequence: int, data: bytes, more: int = 0) -> None:
        size = len(data) + _ENTRY_BYTES + more
        self._database.execute(_EVENT, (run_id, sequence, data))
        for (principal,) in self._database.query(_SIZE, (size, run_id)):
            self._sizes[principal] += size

    def _select(self, where: str, *values: str | int) -> list[Row]:
        rows: Iterable[tuple[object, ...]] = self._database.query(f"{_SELECT} {where}", values)
        return [Row(*row) for row in rows]  # type: ignore[arg-type]  # as the table has them
