"""
Approvals in the database.

Theory of operation.  A state changes only by `move`, one UPDATE that names the state before: of
any number of calls with one token, one finds it, because the database is written by one loop alone
and by one statement at a time.  `reserved` is written before anything runs; a server that died
with one does not know whether the tool has begun, so the next server takes it as used.  Nobody
ran twice; somebody may have to ask again.

Tokens are kept as SHA-256 only.  They have 256 random bits, so nothing slower is called for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.approvals.approval import (
    COLUMNS,
    DENIED,
    RESERVED,
    USED,
    VOID,
    Approval,
)

if TYPE_CHECKING:
    from toolcell_server.database import Database

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS approvals (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE,
    approval_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    principal TEXT NOT NULL,
    session TEXT NOT NULL,
    call_id TEXT NOT NULL,
    tool TEXT NOT NULL,
    version TEXT NOT NULL,
    title TEXT NOT NULL,
    effects TEXT NOT NULL,
    bundle TEXT NOT NULL,
    summary TEXT NOT NULL,
    arguments TEXT NOT NULL,
    complete INTEGER NOT NULL,
    digest TEXT NOT NULL,
    binding BLOB NOT NULL,
    grants BLOB NOT NULL,
    limits BLOB NOT NULL,
    requested REAL NOT NULL,
    expires REAL NOT NULL,
    state TEXT NOT NULL,
    decided REAL NOT NULL,
    decided_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    wrong_pins INTEGER NOT NULL,
    preview TEXT NOT NULL,
    staged TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS approvals_of_principal ON approvals (principal, state, expires);
CREATE INDEX IF NOT EXISTS approvals_by_expiry ON approvals (expires);
"""
_KEPT: Final = tuple(name for name in COLUMNS if name != "number")
_INSERT: Final = (
    f"INSERT INTO approvals (token_hash, {', '.join(_KEPT)})"  # noqa: S608  # our own names
    f" VALUES ({', '.join('?' * (len(_KEPT) + 1))})"
)
_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM approvals WHERE "  # noqa: S608  # as above
_OVER: Final = (DENIED, USED, VOID)
_OF_ONE: Final = "principal = ? AND state IN (?, ?, ?)"
_SURPLUS: Final = (
    f"DELETE FROM approvals WHERE {_OF_ONE} AND number <= (SELECT number FROM approvals"  # noqa: S608  # our own words
    f" WHERE {_OF_ONE} ORDER BY number DESC LIMIT 1 OFFSET ?)"
)
_CHANGEABLE: Final = frozenset({"decided", "decided_by", "reason", "execution_id"})


class ApprovalStore:
    """
    Lives on the event loop of its database.  Every method raises StoreFailed if it cannot be done.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.prepare(_TABLE)

    def reserved(self) -> list[Approval]:
        """
        Those that a call holds; before anything runs: that the last server left so.
        """
        return self._all("state = ? ORDER BY number", RESERVED)

    def add(self, approval: Approval, token_hash: bytes) -> None:
        values = (getattr(approval, name) for name in _KEPT)
        self._database.execute(_INSERT, (token_hash, *values))

    def by_token(self, token_hash: bytes) -> Approval | None:
        return self._one("token_hash = ?", token_hash)

    def by_id(self, approval_id: str) -> Approval | None:
        return self._one("approval_id = ?", approval_id)

    def before(self, number: int, most: int, *, of: str | None = None) -> list[Approval]:
        """
        Approvals that were asked for before that one, newest first; `of` one principal, if given.
        """
        if of is None:
            return self._all("number < ? ORDER BY number DESC LIMIT ?", number, most)
        condition = "principal = ? AND number < ? ORDER BY number DESC LIMIT ?"
        return self._all(condition, of, number, most)

    def unexpired(self, principal: str, state: str, now: float) -> int:
        """
        How many of a principal's are in that state, and would be good for a while yet.
        """
        statement = "SELECT count(*) FROM approvals WHERE principal = ? AND state = ?"
        found = self._database.query(f"{statement} AND expires > ?", (principal, state, now))
        return int(found[0][0])

    def move(self, approval_id: str, before: str, after: str, **changes: Any) -> bool:
        """
        Change the state of an approval that is in the state `before`; false if it is not.
        `changes` are other columns.
        """
        if not changes.keys() <= _CHANGEABLE:
            raise ValueError(f"not to be changed: {sorted(changes.keys() - _CHANGEABLE)}")
        assigned = ", ".join(f"{name} = ?" for name in ("state", *changes))
        statement = f"UPDATE approvals SET {assigned} WHERE approval_id = ? AND state = ?"  # noqa: S608  # as above
        values = (after, *changes.values(), approval_id, before)
        return self._database.execute(statement, values) == 1

    def count_wrong_pin(self, approval_id: str, change: int) -> None:
        statement = "UPDATE approvals SET wrong_pins = wrong_pins + ? WHERE approval_id = ?"
        self._database.execute(statement, (change, approval_id))

    def purge(self, before: float) -> None:
        """
        Forget what expired before that time, answered or not.
        """
        statement = "DELETE FROM approvals WHERE expires < ? AND state != ?"
        self._database.execute(statement, (before, RESERVED))

    def forget_surplus(self, principal: str, most: int) -> None:
        """
        Keep that many of a principal's that are over, the newest.
        """
        of_one = (principal, *_OVER)
        self._database.execute(_SURPLUS, (*of_one, *of_one, most))

    def _one(self, condition: str, value: Any) -> Approval | None:
        return next(iter(self._all(condition, value)), None)

    def _all(self, condition: str, *values: Any) -> list[Approval]:
        return [_approval(row) for row in self._database.query(_SELECT + condition, values)]


def _approval(row: tuple[Any, ...]) -> Approval:
    values = dict(zip(COLUMNS, row, strict=True))
    return Approval(**{**values, "complete": bool(values["complete"])})
