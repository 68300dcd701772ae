"""
What outlives the server: one SQLite database.

Theory of operation.  One connection, used by the event loop alone, so that there is one writer and
no lock is ever waited for; a second server on the same file is refused at start.  WAL with
`synchronous=NORMAL`: a commit costs some tens of microseconds and survives the death of this
process at any moment, `kill -9` included; one of the machine may lose the last commits, never the
consistency.  `synchronous = FULL` survives that too, for a write through to the disk each time.
https://www.sqlite.org/pragma.html#pragma_synchronous

Whoever keeps something makes its own tables with `prepare`.  A store that cannot be written raises
`StoreFailed`, and whoever counts on it refuses.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server import state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FILE: Final = "toolcell.sqlite3"
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "locking_mode=EXCLUSIVE",
    "foreign_keys=ON",
    "trusted_schema=OFF",
)


class StoreFailed(Exception):  # noqa: N818  # names what happened
    """
    Raised when the database cannot be opened, read or written.
    """


class Database:
    """
    Lives on one event loop; `close` gives the file back.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def opened(cls, folder: str, *, full: bool = False) -> Self:
        """
        The database in that folder; without a folder, one in memory.

        Raises:
            StoreFailed: it cannot be opened, or another server has it.
        """
        path = Path(folder, FILE) if folder else ":memory:"
        try:
            if isinstance(path, Path):
                state_folder.prepare(path)
            connection = sqlite3.connect(path, timeout=0, isolation_level=None)
            for pragma in (*_PRAGMAS, f"synchronous={'FULL' if full else 'NORMAL'}"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as exc:
            raise StoreFailed(f"{path}: {_remedied(exc)}") from exc
        return cls(connection)

    def prepare(self, script: str) -> None:
        """
        Make tables and indices, `IF NOT EXISTS`.

        Raises:
            StoreFailed: they cannot be made.
        """
        with _failing():
            self._connection.executescript(script)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """
        One statement that is committed at once, or belongs to the transaction around it.

        Returns:
            How many rows it changed.

        Raises:
            StoreFailed: nothing was written.
        """
        with _failing():
            return self._connection.execute(statement, values).rowcount

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """
        The rows of a SELECT.

        Raises:
            StoreFailed: it cannot be read.
        """
        with _failing():
            return self._connection.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """
        All or nothing.  No `await` within: what other tasks write would belong to it.

        Raises:
            StoreFailed: nothing was written.
        """
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite ends it by itself after some errors
                self.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """
        Give the file back.
        """
        self._connection.close()


def _remedied(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # and its kinds
    if code == sqlite3.SQLITE_BUSY:
        return "another server has it; give each a state_dir of its own"
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"{error}; put a copy of it back, or move it and its -wal away and begin without"
    return str(error)


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreFailed(str(exc)) from exc
