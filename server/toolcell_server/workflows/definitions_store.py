"""
The table of definitions in the database: every version that ever was, the deleted ones too.

Theory of operation.  Names belong to a principal.  A version is never altered; deleting a name
marks its versions, and to define it again goes on counting.  Every method raises
`database.StoreFailed` if the database cannot be used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from toolcell_server.database import Database

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS workflow_definitions (
    principal TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    description TEXT NOT NULL,
    definition BLOB NOT NULL,
    defined INTEGER NOT NULL,
    deleted INTEGER,
    PRIMARY KEY (principal, name, version)
) WITHOUT ROWID;
"""


class Kept(NamedTuple):
    """
    One version of one definition; times are in nanoseconds since 1970.
    """

    principal: str
    name: str
    version: int
    description: str
    definition: bytes
    defined: int
    deleted: int | None = None


_SELECT: Final = f"SELECT {', '.join(Kept._fields)} FROM workflow_definitions"  # noqa: S608  # ours
_INSERT: Final = "INSERT INTO workflow_definitions VALUES (?, ?, ?, ?, ?, ?, ?)"
_OF: Final = "WHERE principal = ? AND name = ?"
_NEWEST: Final = f"{_OF} ORDER BY version DESC LIMIT 1"
_DELETE: Final = f"UPDATE workflow_definitions SET deleted = ? {_OF} AND deleted IS NULL"  # noqa: S608  # ours
_COUNT: Final = "SELECT count(*) FROM workflow_definitions WHERE principal = ?"
_PAGE: Final = """WHERE principal = ? AND name > ? AND deleted IS NULL AND version = (
    SELECT max(version) FROM workflow_definitions AS other
    WHERE other.principal = workflow_definitions.principal
    AND other.name = workflow_definitions.name) ORDER BY name LIMIT ?
"""


class DefinitionsStore:
    """
    Definitions of principals.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.prepare(_TABLE)

    def add(self, kept: Kept) -> None:
        self._database.execute(_INSERT, kept)

    def newest(self, principal: str, name: str) -> Kept | None:
        """
        The newest version, deleted or not.
        """
        return next(iter(self._select(_NEWEST, principal, name)), None)

    def get(self, principal: str, name: str, version: int) -> Kept | None:
        found = self._select(f"{_OF} AND version = ?", principal, name, version)
        return next(iter(found), None)

    def delete(self, principal: str, name: str, now: int) -> None:
        self._database.execute(_DELETE, (now, principal, name))

    def page(self, principal: str, after: str, maximum: int) -> list[Kept]:
        """
        The newest versions of what is not deleted, by name, after that one.
        """
        return self._select(_PAGE, principal, after, maximum)

    def count(self, principal: str) -> int:
        """
        How many versions a principal has, those of deleted names too: they are kept as well.
        """
        [(count,)] = self._database.query(_COUNT, [principal])
        return int(count)

    def _select(self, where: str, *values: str | int) -> list[Kept]:
        return [Kept(*row) for row in self._database.query(f"{_SELECT} {where}", values)]
