"""
Who did what to registered tools, in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell_server.scopes import Scope

if TYPE_CHECKING:
    from toolcell_server.database import Database
    from toolcell_server.principal import Principal

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

    def tidy(self) -> None:
        """
        Forget what is too old.
        """
        oldest = "(SELECT max(number) FROM tool_history) - ?"
        self._database.execute(f"DELETE FROM tool_history WHERE number <= {oldest}", (self._most,))  # noqa: S608  # as above


def _entry(row: tuple[Any, ...]) -> Entry:
    time, what, name, version, kind, principal, session, *rest = row
    return Entry(time, what, name, version, Scope(kind, principal, session), *rest)
