"""
Sessions in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.sessions.session import COLUMNS, Session
from toolcell_server.storing import storing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.database import Database

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    session_id TEXT NOT NULL,
    place TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    used REAL NOT NULL,
    expires REAL NOT NULL,
    idle REAL NOT NULL,
    quota_bytes INTEGER NOT NULL,
    quota_files INTEGER NOT NULL,
    UNIQUE (owner, session_id)
) STRICT;
"""
_KEPT: Final = tuple(name for name in COLUMNS if name != "number")
_INSERT: Final = f"INSERT INTO sessions ({', '.join(_KEPT)}) VALUES ({', '.join('?' * len(_KEPT))})"  # noqa: S608  # our own names
_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM sessions WHERE "  # noqa: S608  # as above


class SessionStore:
    """
    Lives on the event loop of its database.  Every method refuses with StoreFailed if it cannot be
    done.
    """

    def __init__(self, store: Database) -> None:
        self._database = store
        store.prepare(_TABLE)

    def add(self, session: Session) -> None:
        self._execute(_INSERT, [getattr(session, name) for name in _KEPT])

    def find(self, owner: str, session_id: str) -> Session | None:
        found = self._all("owner = ? AND session_id = ?", owner, session_id)
        return found[0] if found else None

    def before(self, owner: str, number: int, most: int) -> list[Session]:
        """
        Sessions of an owner that were made before that one, newest first.
        """
        condition = "owner = ? AND number < ? ORDER BY number DESC LIMIT ?"
        return self._all(condition, owner, number, most)

    def all(self) -> list[Session]:
        return self._all("TRUE ORDER BY number")

    def count(self, owner: str | None = None) -> int:
        """
        How many there are, of one owner if one is given.
        """
        condition, values = ("", []) if owner is None else (" WHERE owner = ?", [owner])
        return int(self._query(f"SELECT count(*) FROM sessions{condition}", values)[0][0])  # noqa: S608  # as above

    def use(self, session: Session, now: float) -> None:
        statement = "UPDATE sessions SET used = ? WHERE place = ?"
        self._execute(statement, (now, session.place))

    def remove(self, session: Session) -> bool:
        """
        Forget it; false if it was forgotten before.
        """
        statement = "DELETE FROM sessions WHERE place = ?"
        return self._execute(statement, (session.place,)) == 1

    def _all(self, condition: str, *values: Any) -> list[Session]:
        rows = self._query(_SELECT + condition, values)
        return [Session(**dict(zip(COLUMNS, row, strict=True))) for row in rows]

    def _execute(self, statement: str, values: Sequence[Any]) -> int:
        with storing("keep sessions"):
            return self._database.execute(statement, values)

    def _query(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with storing("keep sessions"):
            return self._database.query(statement, values)
