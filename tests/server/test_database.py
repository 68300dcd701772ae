"""
The database: one server's, nobody else's, all or nothing.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from toolcell_server.database import FILE, Database, StoreFailed

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "CREATE TABLE IF NOT EXISTS words (word TEXT NOT NULL)"
BIG = "x" * 1_000_000


def add(database: Database, *words: str | None) -> None:
    with database.transaction():
        for word in words:
            if word is None:
                raise TypeError
            database.execute("INSERT INTO words VALUES (?)", [word])


def test_its_files_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    """
    They hold results of tools; one that was there before is made so.
    """
    (tmp_path / FILE).touch(0o644)
    database = Database.opened(str(tmp_path))
    database.prepare(TABLE)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    database.close()

    assert {FILE: 0o600, f"{FILE}-wal": 0o600} == modes


def test_it_is_refused_in_a_folder_that_everybody_may_write(tmp_path: Path) -> None:
    """
    Anybody could put another one in its place.
    """
    tmp_path.chmod(0o777)
    with pytest.raises(StoreFailed, match=r"toolcell\.sqlite3: .* chmod o-w"):
        Database.opened(str(tmp_path))
    tmp_path.chmod(0o755)
    Database.opened(str(tmp_path)).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_it_is_refused_in_a_folder_of_somebody_else(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    with pytest.raises(StoreFailed, match=r"user 12345, and the server is user 0: chown"):
        Database.opened(str(tmp_path))


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    """
    A link leads where somebody else wants.
    """
    folder, place = tmp_path / "state", tmp_path / "elsewhere"
    folder.mkdir()
    match kind:
        case "a link":
            place.touch(0o644)
            (folder / FILE).symlink_to(place)
        case "a folder":
            (folder / FILE).mkdir()
        case _:
            os.mkfifo(folder / FILE)
    with pytest.raises(StoreFailed):
        Database.opened(str(folder))
    assert kind != "a link" or 0o644 == stat.S_IMODE(place.stat().st_mode)


def test_what_is_no_database_is_left_as_it_is_and_the_remedy_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("a diary " * 100)
    with pytest.raises(StoreFailed, match=r"not a database; put a copy of it back, or move it"):
        Database.opened(str(tmp_path))

    assert (tmp_path / FILE).read_text().startswith("a diary")


def test_a_second_one_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """
    Two writers would each think that they know all starts.
    """
    first = Database.opened(str(tmp_path))
    with pytest.raises(StoreFailed, match="another server has it"):
        Database.opened(str(tmp_path))
    first.close()
    Database.opened(str(tmp_path)).close()


def test_a_transaction_that_fails_leaves_nothing_and_the_next_one_works(tmp_path: Path) -> None:
    """
    Also when SQLite has ended it already, as on a full disk.
    """
    database = Database.opened(str(tmp_path))
    database.prepare(TABLE)
    database.query("PRAGMA max_page_count = 4")
    for _ in range(2):
        with pytest.raises(StoreFailed):
            add(database, "small", BIG)
        with pytest.raises(TypeError):
            add(database, "small", None)
    assert [] == database.query("SELECT word FROM words")
    database.query("PRAGMA max_page_count = 1000000")
    add(database, "kept")
    database.close()

    again = Database.opened(str(tmp_path))
    assert [("kept",)] == again.query("SELECT word FROM words")
    again.close()


@pytest.mark.parametrize(("full", "expected"), [(False, 1), (True, 2)], ids=["normal", "full"])
def test_how_much_it_survives_is_the_operators_to_say(
    tmp_path: Path, *, full: bool, expected: int
) -> None:
    """
    1 is NORMAL, 2 is FULL: https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    database = Database.opened(str(tmp_path), full=full)

    assert [(expected,)] == database.query("PRAGMA synchronous")
    assert [("wal",)] == database.query("PRAGMA journal_mode")
    database.close()
