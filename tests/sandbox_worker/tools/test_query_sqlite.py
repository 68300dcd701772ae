from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from performing import builtin, perform
from toolcell_worker import readonly_sqlite
from toolcell_worker.authoring import definition_of
from toolcell_worker.tools import query_sqlite as module

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a b?#%41.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE city (name TEXT, people INTEGER, flag BLOB)")
        rows = [("Ulm", 128_000, b"\x00\xff"), ("Jena", 110_000, None)]
        connection.executemany("INSERT INTO city VALUES (?, ?, ?)", rows)
        connection.commit()
    return path


def query(path: Path, sql: str, **arguments: Any) -> Any:
    return perform(builtin("query_sqlite"), {"database": str(path), "sql": sql, **arguments})


def test_rows_come_with_their_columns(database: Path) -> None:
    """
    Blobs are marked, because JSON has none.
    """
    assert query(database, "SELECT * FROM city ORDER BY name").result == {
        "columns": ["name", "people", "flag"],
        "rows": [["Jena", 110_000, None], ["Ulm", 128_000, {"base64": "AP8="}]],
        "row_count": 2,
        "truncated": False,
    }


PARAMETERS = {
    "a list": ("SELECT ? + ?", [1, 2]),
    "an object": ("SELECT :a + :b", {"a": 1, "b": 2}),
}


@pytest.mark.parametrize(("sql", "params"), PARAMETERS.values(), ids=PARAMETERS)
def test_values_are_bound(database: Path, sql: str, params: Any) -> None:
    """
    Text of a user never becomes SQL.
    """
    assert query(database, sql, params=params).result["rows"] == [[3]]


def test_more_rows_than_wanted_are_cut_and_said(database: Path) -> None:
    """
    The rest is never read.
    """
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    result = query(database, endless, max_rows=3).result

    assert (result["rows"], result["truncated"]) == ([[1], [2], [3]], True)


REFUSED = {
    "an insert": ("INSERT INTO city VALUES ('x', 1, NULL)", "INSERT"),
    "an update": ("UPDATE city SET people = 0", "UPDATE"),
    "a deletion": ("DELETE FROM city", "DELETE"),
    "a deletion behind WITH": ("WITH a AS (SELECT 1) DELETE FROM city RETURNING name", "DELETE"),
    "a dropped table": ("DROP TABLE city", "D"),
    "a new table": ("CREATE TABLE t (x)", ""),
    "a temporary table": ("CREATE TEMP TABLE t (x)", ""),
    "another database": ("ATTACH '/tmp/evil.db' AS evil", "ATTACH"),
    "a copy into another file": ("VACUUM INTO '/tmp/evil.db'", "ATTACH"),
    "a setting": ("PRAGMA query_only = OFF", "PRAGMA"),
    "a setting as a table": ("SELECT * FROM pragma_database_list", ""),
    "an extension": ("SELECT load_extension('/tmp/evil.so')", "load_extension"),
    "a transaction": ("BEGIN IMMEDIATE", "transaction"),
    "an index": ("CREATE INDEX i ON city (name)", ""),
}


@pytest.mark.parametrize(("sql", "named"), REFUSED.values(), ids=REFUSED)
def test_the_engine_refuses_everything_but_reading(database: Path, sql: str, named: str) -> None:
    """
    A list of forbidden words is always incomplete; the engine knows what a statement does.
    """
    before = database.read_bytes()
    found = query(database, sql).raised

    assert found["code"] == "NOT_ALLOWED"
    assert named in found["message"]
    assert database.read_bytes() == before


def test_without_the_authorizer_the_file_is_still_open_for_reading_only(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Three locks, not one.
    """
    monkeypatch.setattr(readonly_sqlite.Refusals, "__call__", lambda *_arguments: sqlite3.SQLITE_OK)
    found = query(database, "DELETE FROM city").raised

    assert "readonly database" in found["message"]


def test_two_statements_are_refused(database: Path) -> None:
    """
    One call, one result.
    """
    assert query(database, "SELECT 1; SELECT 2").raised["category"] == "user"


def test_an_error_names_the_tables_that_there_are(database: Path) -> None:
    """
    The next query then works.
    """
    found = query(database, "SELECT * FROM cities").raised

    assert (found["code"], found["retryable"]) == ("SQL_ERROR", False)
    assert "tables are: city" in found["hint"]


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """
    SQLite makes databases of missing files, unless told otherwise.
    """
    assert query(tmp_path / "none.db", "SELECT 1").raised["code"] == "NOT_FOUND"
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """
    A model may have taken any file for one.
    """
    (tmp_path / "a.txt").write_text("no database, but long enough to have a header" * 30)
    found = query(tmp_path / "a.txt", "SELECT * FROM x").raised

    assert found["category"] == "user"
    assert "not a database" in found["message"]


def test_what_a_writer_has_committed_to_its_log_is_read(database: Path) -> None:
    """
    With immutable=1 a query would miss it: the rows are in the -wal file only.
    """
    with contextlib.closing(sqlite3.connect(database)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("INSERT INTO city VALUES ('Hof', 45000, NULL)")
        writer.commit()

        assert query(database, "SELECT count(*) FROM city").result["rows"] == [[3]]


def test_a_closed_database_in_wal_mode_is_read_where_nothing_can_be_written(
    database: Path, tmp_path: Path
) -> None:
    """
    Its -wal and -shm are gone, and in a cell they cannot be made.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    alone = tmp_path / "folder" / "alone.db"
    alone.parent.mkdir()
    shutil.copy(database, alone)
    result = query(alone, "SELECT count(*) FROM city").result

    assert result["rows"] == [[2]]
    assert [path.name for path in alone.parent.iterdir()] == ["alone.db"]


def test_a_database_that_changes_while_it_is_read_without_locks_is_read_again(
    database: Path,
) -> None:
    """
    Half of an old and half of a new state is worse than an error.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    reading = readonly_sqlite.connect(str(database), readonly_sqlite.Refusals())
    with pytest.raises(readonly_sqlite.DatabaseChanged), reading:
        database.write_bytes(database.read_bytes() + b"\0" * 4096)


def test_a_locked_database_may_be_tried_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Time heals it, so it must not be called the user's mistake.
    """
    monkeypatch.setattr(readonly_sqlite, "BUSY_SECONDS", 0.01)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        found = query(database, "SELECT * FROM city").raised

    assert (found["category"], found["retryable"]) == ("temporary", True)


def test_numbers_and_texts_that_json_lacks_are_texts(database: Path) -> None:
    """
    SQLite has infinities, and text that is not UTF-8.
    """
    result = query(database, "SELECT 9e999, -9e999, CAST(x'ff41' AS TEXT)").result

    assert result["rows"] == [["inf", "-inf", "\ufffdA"]]


def test_a_number_too_large_for_the_engine_is_the_users_mistake(database: Path) -> None:
    """
    JSON has integers of any size.
    """
    assert query(database, "SELECT ?", params=[2**70]).raised["category"] == "user"


def test_the_files_beside_the_database_are_asked_for() -> None:
    """
    Without the -journal a query could read half of a transaction, without -wal old rows.
    """
    found = definition_of(module.query_sqlite)
    assert found is not None

    assert [item["path"] for item in found.manifest["paths"]] == [
        "{database}",
        "{database}-wal",
        "{database}-shm",
        "{database}-journal",
    ]
