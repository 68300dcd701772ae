"""
Queries a SQLite database.  That nothing is changed is the engine's doing: `readonly_sqlite.py`.
"""

from __future__ import annotations

import base64
import contextlib
import math
import sqlite3
from typing import Annotated, NoReturn

import msgspec

from toolcell_worker import ToolError, readonly_sqlite, reads, tool
from toolcell_worker.binary import Base64

Scalar = str | int | float | bool | None
Cell = str | int | float | Base64 | None


class QueryResult(msgspec.Struct, kw_only=True):
    """
    Rows as lists in the order of `columns`.  Blobs are {"base64": "…"}.  `truncated`: there are
    more rows.
    """

    columns: list[str]
    rows: list[list[Cell]]
    row_count: int
    truncated: bool


@tool(
    title="Query a SQLite database",
    category="data",
    tags=["sql", "sqlite", "database", "query"],
    effects="read_only",
    idempotent=True,
    # The engine needs the files beside a database that somebody writes to: without its -journal
    # or -wal it would read half of a transaction.  One that is not there grants nothing.
    paths=[
        reads("{database}"),
        reads("{database}-wal"),
        reads("{database}-shm"),
        reads("{database}-journal"),
    ],
)
def query_sqlite(
    database: str,
    sql: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)],
    params: list[Scalar] | dict[str, Scalar] | None = None,
    max_rows: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000,
) -> QueryResult:
    """
    Run one SELECT on a SQLite database file. Nothing can be changed.

    To see what is in it: SELECT name, sql FROM sqlite_master. Put values into params, not into
    the SQL.

    Args:
        database: Absolute path of the database file.
        sql: One SELECT statement (WITH … SELECT too), with ? or :name for params.
        params: Values for ? as a list, or for :name as an object.
        max_rows: Return at most so many rows.

    Returns:
        Columns and rows.
    """
    refusals = readonly_sqlite.Refusals()
    try:
        with readonly_sqlite.connect(database, refusals) as connection:
            try:
                return _query(connection, sql, params, max_rows)
            except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as exc:
                _explain(exc, refusals, connection)
    except FileNotFoundError:
        raise ToolError(
            f"there is no database {database}, or it may not be read",
            code="NOT_FOUND",
            category="user",
            hint="Check the path; it must be absolute.",
        ) from None
    except readonly_sqlite.DatabaseChanged:
        raise ToolError(
            f"{database} was changed while it was read",
            code="CHANGED",
            category="temporary",
            retryable=True,
            hint="Call again.",
        ) from None
    except sqlite3.Error as exc:
        raise ToolError(
            f"{database} cannot be opened: {exc}",
            code="CANNOT_OPEN",
            category="user",
            hint="Make sure that it is a SQLite database; if it is in use, try again later.",
        ) from None


def _query(
    connection: sqlite3.Connection,
    sql: str,
    params: list[Scalar] | dict[str, Scalar] | None,
    max_rows: int,
) -> QueryResult:
    cursor = connection.execute(sql, params if params is not None else [])
    rows = cursor.fetchmany(max_rows + 1)
    if cursor.description is None:
        raise ToolError(
            "this is not a query: it has no columns",
            code="NOT_A_QUERY",
            category="user",
            hint="Write one SELECT statement.",
        )
    return QueryResult(
        columns=[column[0] for column in cursor.description],
        rows=[[_cell(value) for value in row] for row in rows[:max_rows]],
        row_count=min(len(rows), max_rows),
        truncated=len(rows) > max_rows,
    )


def _cell(value: str | float | bytes | None) -> Cell:
    if isinstance(value, bytes):
        return Base64(base64.b64encode(value).decode())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # SQLite has infinities, JSON has not
    return value


def _explain(
    exc: Exception, refusals: readonly_sqlite.Refusals, connection: sqlite3.Connection
) -> NoReturn:
    if refusals.first:
        raise ToolError(
            f"only SELECT is allowed; the database engine refused {refusals.first}",
            code="NOT_ALLOWED",
            category="permanent",
            hint="Write a SELECT statement: this tool cannot change anything.",
            spoken="I may only read that database.",
        ) from None
    busy = "locked" in str(exc) or "busy" in str(exc)
    raise ToolError(
        f"the query failed: {exc}",
        code="BUSY" if busy else "SQL_ERROR",
        category="temporary" if busy else "user",
        retryable=busy,
        hint="Call again." if busy else _tables(connection),
    ) from None


def _tables(connection: sqlite3.Connection) -> str:
    """
    Names of what can be queried, as a hint.
    """
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name LIMIT 30"
    names: list[str] = []
    with contextlib.suppress(sqlite3.Error):
        names = [row[0] for row in connection.execute(query)]
    return f"Correct the SQL; tables are: {', '.join(names)}." if names else "Correct the SQL."
