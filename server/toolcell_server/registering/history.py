"""
Who did what to registered tools, in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell_server.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolcell_server.database import Database
    from toolcell_server.principal import Principal

SHARES: Final = 4  # what is one principal's own takes no more than one of them
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS tool_history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    what TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    kind TEXT NOT NULL,
    principal TEXT NOT NULL,
    session TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    edition TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS tool_history_by_name ON tool_history (name, number);
CREATE INDEX IF NOT EXISTS tool_history_by_principal ON tool_history (principal, number);
CREATE INDEX IF NOT EXISTS tool_history_by_changer ON tool_history (changed_by, number);
"""
_COLUMNS: Final = "time, what, name, version, kind, principal, session, changed_by, reason, edition"
_OWN: Final = "(changed_by = ? OR (kind != 'global' AND principal = ?))"


class Entry(NamedTuple):
    """
    What somebody did to one version of a tool.  `what` is a word of `ToolChangeKind`.
    """

    time: float
    what: str
    name: str
    version: str
    scope: Scope
    by: str
    reason: str
    edition: str
    number: int = 0


class History:
    """
    The last `most` entries.  Every method raises StoreFailed if it cannot be done.
    """

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most
        database.prepare(_TABLE)

    def add(self, entry: Entry) -> None:
        scope = entry.scope
        values = (
            *(entry.time, entry.what, entry.name, entry.version),
            *(scope.kind, scope.principal, scope.session, entry.by, entry.reason, entry.edition),
        )
        places = ", ".join("?" * len(values))
        self._database.execute(f"INSERT INTO tool_history ({_COLUMNS}) VALUES ({places})", values)  # noqa: S608  # our own names

    def before(
        self, number: int, most: int, name: str, own: Principal | None, *, sessions: bool = True
    ) -> list[Entry]:
        """
        Entries before that one, newest first; of a `name`, if given; with `own` only what that
        principal did, and what was done in its scopes; without `sessions` nothing of theirs.
        """
        conditions: list[str] = ["number < ?"]
        values: list[Any] = [number]
        if name:
            conditions.append("name = ?")
            values.append(name)
        if not sessions:
            conditions.append("kind != 'session'")
        if own is not None:
            conditions.append(_OWN)
            values += [own.name, own.name]
        statement = (
            f"SELECT {_COLUMNS}, number FROM tool_history WHERE {' AND '.join(conditions)}"  # noqa: S608  # as above
            " ORDER BY number DESC LIMIT ?"
        )
        return [_entry(row) for row in self._database.query(statement, (*values, most))]

    def tidy(self, owners: Collection[str]) -> None:
        """
        Forget the oldest of what is too much; first of what these principals have of their own: who
        changes his tools without end must not make forgotten what others did.
        """
        for owner in owners:
            self._forget("WHERE principal = ?", (owner,), self._most // SHARES)
        self._forget("", (), self._most)

    def _forget(self, which: str, values: tuple[str, ...], most: int) -> None:
        ((count,),) = self._database.query(f"SELECT count(*) FROM tool_history {which}", values)  # noqa: S608  # as above
        if count > most:
            oldest = f"SELECT number FROM tool_history {which} ORDER BY number LIMIT ?"  # noqa: S608  # as above
            statement = f"DELETE FROM tool_history WHERE number IN ({oldest})"  # noqa: S608  # as above
            self._database.execute(statement, (*values, count - most))


def _entry(row: tuple[Any, ...]) -> Entry:
    time, what, name, version, kind, principal, session, *rest = row
    return Entry(time, what, name, version, Scope(kind, principal, session), *rest)
