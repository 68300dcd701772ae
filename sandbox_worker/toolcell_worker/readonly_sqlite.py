"""
A SQLite database that the engine itself refuses to change.

Theory of operation.  Three locks, each of the engine: the file is opened read-only, the authorizer
allows nothing but reading (so neither ATTACH nor PRAGMA nor load_extension), and `query_only` is
on.  No text of the query is looked at.

A database in WAL mode needs its -wal and -shm files, which a read-only folder cannot get when they
are not there.  Without a -wal file all of its content is in the database file, and `immutable=1`
reads it; somebody may begin to write meanwhile, so the file must be the same afterwards.  With a
-wal file `immutable` would read stale rows: then it is opened as usual, and fails if it must.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_SECONDS = 2.0  # arbitrary; a writer holds its lock for much less
WAL_VERSION = 2  # bytes 18 and 19 of the header (sqlite.org/fileformat.html, 1.3.3)
ALLOWED = frozenset(
    {
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_SELECT,
    }
)
# They load code, or read and write files where the engine was built with them.
FORBIDDEN_FUNCTIONS = frozenset(
    {"edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"}
)
# What the authorizer is asked about, to name it in a refusal.
ACTIONS = {
    sqlite3.SQLITE_ALTER_TABLE: "ALTER TABLE",
    sqlite3.SQLITE_ANALYZE: "ANALYZE",
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_CREATE_INDEX: "CREATE INDEX",
    sqlite3.SQLITE_CREATE_TABLE: "CREATE TABLE",
    sqlite3.SQLITE_CREATE_TEMP_TABLE: "CREATE TEMP TABLE",
    sqlite3.SQLITE_CREATE_TRIGGER: "CREATE TRIGGER",
    sqlite3.SQLITE_CREATE_VIEW: "CREATE VIEW",
    sqlite3.SQLITE_CREATE_VTABLE: "CREATE VIRTUAL TABLE",
    sqlite3.SQLITE_DELETE: "DELETE",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_DROP_INDEX: "DROP INDEX",
    sqlite3.SQLITE_DROP_TABLE: "DROP TABLE",
    sqlite3.SQLITE_DROP_TRIGGER: "DROP TRIGGER",
    sqlite3.SQLITE_DROP_VIEW: "DROP VIEW",
    sqlite3.SQLITE_FUNCTION: "the function",
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_REINDEX: "REINDEX",
    sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
    sqlite3.SQLITE_TRANSACTION: "a transaction",
    sqlite3.SQLITE_UPDATE: "UPDATE",
}


class DatabaseChanged(Exception):  # noqa: N818  # names what happened
    """
    Raised when somebody wrote to the database while it was read without locks.
    """


class Refusals:
    """
    What the authorizer refused, to name it.
    """

    def __init__(self) -> None:
        self.first = ""

    def __call__(
        self,
        action: int,
        first: str | None,
        second: str | None,
        _database: object,
        _trigger: object,
    ) -> int:
        name = second or first or ""
        forbidden = action == sqlite3.SQLITE_FUNCTION and name.lower() in FORBIDDEN_FUNCTIONS
        if action in ALLOWED and not forbidden:
            return sqlite3.SQLITE_OK
        named = f" {first or second}" if first or second else ""
        self.first = self.first or ACTIONS.get(action, f"action {action}") + named
        return sqlite3.SQLITE_DENY


@contextlib.contextmanager
def connect(path: str, refusals: Refusals) -> Iterator[sqlite3.Connection]:
    """
    A connection that can only read.

    Raises:
        FileNotFoundError: there is no such file.
        sqlite3.Error: it cannot be opened.
        DatabaseChanged: what was read inside may be torn.
    """
    before = _state(path)
    immutable = _is_wal(path) and not Path(path + "-wal").exists()
    uri = f"file:{urllib.parse.quote(path)}?mode=ro" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_authorizer(refusals)
        yield connection
    finally:
        connection.close()
    if immutable and _state(path) != before:
        raise DatabaseChanged(path)


def _state(path: str) -> tuple[int, int, int]:
    status = os.stat(path)  # noqa: PTH116  # three fields of it
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_wal(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123  # 20 bytes of it
        header = file.read(20)
    return header.startswith(b"SQLite format 3\0") and WAL_VERSION in header[18:20]
