"""
The built-in tools through the service, with real files on the host's side of the wall.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from running_server import start_server
from toolcell_client import Client
from toolcell_client.errors import PathNotAllowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from toolcell_client import Result

SETTINGS = """
[policy]
roots = [
    {{ path = "{0}/open", access = "write" }},
    {{ path = "{0}/open/sealed", access = "read" }},
    {{ path = "{0}/named" }},
]
"""


@dataclass(frozen=True)
class Place:
    """
    A client of a running service, and the folder that its tools may be granted files in.
    """

    client: Client
    root: Path

    def value(self, tool: str, **arguments: Any) -> Any:
        """
        What a tool returns.
        """
        result = self.client.run(tool, arguments)
        assert "completed" == result.label, result.outcome
        return result.value

    def code(self, tool: str, **arguments: Any) -> str:
        """
        The error code of a tool that fails.
        """
        result = self.client.run(tool, arguments)
        assert "failed" == result.label, result.value
        assert result.outcome.hint
        return result.outcome.failed.code


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    (folder / "open" / "sealed").mkdir(parents=True)
    (folder / "named").symlink_to("open")  # an operator may name a root by a link
    with start_server(folder, SETTINGS.format(folder)) as server, Client(server.target) as client:
        yield Place(client, folder / "open")
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def folder(place: Place) -> Path:
    """
    A new folder in the root.
    """
    folder = place.root / f"folder{len(list(place.root.iterdir()))}"
    folder.mkdir()
    return folder


# read_file


@pytest.mark.parametrize("mode", [0o644, 0o600], ids=["everybody's", "the service's alone"])
def test_read_file_reads_what_the_service_may_read(place: Place, folder: Path, mode: int) -> None:
    """
    The cell has an identity that owns nothing; the grant, not the file's mode, opens the file.
    """
    file = folder / "a.txt"
    file.write_text("first\nsecond\n")
    file.chmod(mode)

    found = place.value("read_file", path=str(file))

    assert ("first\nsecond\n", 2, None) == (found["content"], found["lines"], found["next_offset"])


def test_read_file_reads_a_long_file_in_parts(place: Place, folder: Path) -> None:
    """
    As a model does: `next_offset` is the `offset` of the next call, and nothing is missing.
    """
    file = folder / "long.txt"
    file.write_text("".join(f"line {number}\n" for number in range(25)))
    parts, offset = [], 0
    while offset is not None:
        found = place.value("read_file", path=str(file), max_lines=10, offset=offset)
        parts.append(found["content"])
        offset = found["next_offset"]

    assert 3 == len(parts)
    assert file.read_text() == "".join(parts)


def test_read_file_knows_encodings(place: Place, folder: Path) -> None:
    """
    Old text and bytes that are no text at all.
    """
    file = folder / "old.txt"
    file.write_bytes("Größe".encode("latin-1"))
    data = place.value("read_file", path=str(file), encoding="base64")["content"]

    assert "Größe" == place.value("read_file", path=str(file), encoding="latin-1")["content"]
    assert file.read_bytes() == base64.b64decode(data)
    assert "NOT_TEXT" == place.code("read_file", path=str(file))
    assert "UNKNOWN_ENCODING" == place.code("read_file", path=str(file), encoding="klingon")


def test_read_file_says_what_is_missing(place: Place, folder: Path) -> None:
    """
    A missing file is the tool's answer; a path that is no file is, too.
    """
    assert "NOT_FOUND" == place.code("read_file", path=str(folder / "nothing"))
    assert "NOT_A_FILE" == place.code("read_file", path=str(folder))


def test_a_root_that_is_a_link_is_used_by_its_name(place: Place, folder: Path) -> None:
    """
    The operator named it; links below it are another matter.
    """
    (folder / "a.txt").write_text("found")
    (folder / "link.txt").symlink_to("a.txt")
    named = place.root.parent / "named" / folder.name

    assert "found" == place.value("read_file", path=str(named / "a.txt"))["content"]
    with pytest.raises(PathNotAllowed):
        place.client.run("read_file", {"path": str(named / "link.txt")})


# write_file


def test_write_file_creates_overwrites_and_appends(place: Place, folder: Path) -> None:
    """
    The service puts the file in place, so it is the service's, and it is named in the result.
    """
    file = folder / "new.txt"
    created = place.client.run("write_file", {"path": str(file), "content": "one\n"})
    owner = file.stat()
    appended = place.value("write_file", path=str(file), content="two\n", mode="append")
    after = file.read_text()
    place.value("write_file", path=str(file), content="three\n", mode="overwrite")

    assert (True, 4) == (created.value["created"], created.value["size"])
    assert (str(file),) == created.committed_paths
    assert (os.geteuid(), os.getegid()) == (owner.st_uid, owner.st_gid)
    assert 0 == stat.S_IMODE(owner.st_mode) & 0o7022
    assert (8, "one\ntwo\n") == (appended["size"], after)
    assert "three\n" == file.read_text()
    assert [file] == list(folder.iterdir())


def test_write_file_keeps_the_mode_of_what_it_replaces(place: Place, folder: Path) -> None:
    """
    A script stays executable, a secret stays secret.
    """
    for mode in (0o755, 0o600):
        file = folder / f"{mode}"
        file.write_text("old")
        file.chmod(mode)
        place.value("write_file", path=str(file), content="new")

        assert ("new", mode) == (file.read_text(), stat.S_IMODE(file.stat().st_mode))


def test_write_file_that_fails_changes_nothing(place: Place, folder: Path) -> None:
    """
    All at once, or not at all.
    """
    file = folder / "there.txt"
    file.write_text("old")

    assert "EXISTS" == place.code("write_file", path=str(file), content="new", mode="create")
    with pytest.raises(PathNotAllowed, match="not a file"):
        place.client.run("write_file", {"path": str(folder), "content": "new"})
    assert {"there.txt": "old"} == {each.name: each.read_text() for each in folder.iterdir()}


def test_write_file_writes_only_where_the_operator_opened(place: Place, folder: Path) -> None:
    """
    A read-only root inside a writable one stays read-only, and no link is followed out.
    """
    (folder / "out").symlink_to("/tmp")
    for path in (place.root / "sealed" / "new.txt", folder / "out" / "new.txt"):
        with pytest.raises(PathNotAllowed):
            place.client.run("write_file", {"path": str(path), "content": "x"})

    assert [] == list((place.root / "sealed").iterdir())


# list_files


def test_list_files_tells_names_kinds_sizes_and_times(place: Place, folder: Path) -> None:
    """
    What a model needs to choose a file, and no more than one folder.
    """
    (folder / "a.csv").write_text("12345")
    (folder / "b.txt").write_text("")
    (folder / "inner").mkdir()
    (folder / "inner" / "c.csv").write_text("1")
    os.utime(folder / "a.csv", (1_000_000_000, 1_000_000_000))

    entries = {e["name"]: e for e in place.value("list_files", path=str(folder))["entries"]}
    matching = place.value("list_files", path=str(folder), pattern="*.csv", recursive=True)

    assert {"a.csv": False, "b.txt": False, "inner": True} == {
        name: entry["is_directory"] for name, entry in entries.items()
    }
    assert 5 == entries["a.csv"]["size"]
    modified = dt.datetime.fromisoformat(entries["a.csv"]["modified"])
    assert 1_000_000_000 == modified.timestamp()
    assert ["a.csv", "inner/c.csv"] == [entry["name"] for entry in matching["entries"]]


def test_list_files_says_what_is_no_folder(place: Place, folder: Path) -> None:
    """
    The commonest mistake of a model with a path.
    """
    (folder / "a.txt").write_text("")

    assert "NOT_A_FOLDER" == place.code("list_files", path=str(folder / "a.txt"))
    assert "NOT_FOUND" == place.code("list_files", path=str(folder / "nothing"))


# query_sqlite


@pytest.fixture
def database(folder: Path) -> Path:
    path = folder / "books.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE book (title TEXT, pages INTEGER)")
        connection.executemany("INSERT INTO book VALUES (?, ?)", [("A", 10), ("B", 20), ("C", 30)])
    return path


def test_query_sqlite_selects(place: Place, database: Path) -> None:
    """
    With parameters by place and by name.
    """
    by_place = place.value(
        "query_sqlite",
        database=str(database),
        sql="SELECT title, pages FROM book WHERE pages > ? ORDER BY pages",
        params=[10],
    )
    by_name = place.value(
        "query_sqlite",
        database=str(database),
        sql="SELECT sum(pages) AS all_pages FROM book WHERE title <> :title",
        params={"title": "A"},
    )

    assert (["title", "pages"], [["B", 20], ["C", 30]]) == (by_place["columns"], by_place["rows"])
    assert (["all_pages"], [[50]]) == (by_name["columns"], by_name["rows"])


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM book",
        "INSERT INTO book VALUES ('D', 40)",
        "DROP TABLE book",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = WAL",
        "ATTACH DATABASE '/tmp/other.db' AS other",
        "VACUUM INTO '/tmp/copy.db'",
        "SELECT 1; DELETE FROM book",
        "WITH gone AS (SELECT 1) DELETE FROM book",
        "SELECT load_extension('/tmp/x')",
    ],
)
def test_query_sqlite_changes_nothing(place: Place, database: Path, sql: str) -> None:
    """
    The engine refuses it, and the file has no way to be written; not a byte changes.
    """
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    result = place.client.run("query_sqlite", {"database": str(database), "sql": sql})

    assert "failed" == result.label
    assert result.outcome.hint
    assert before == hashlib.sha256(database.read_bytes()).hexdigest()
    assert [database] == list(database.parent.iterdir())


def test_query_sqlite_sees_what_was_committed_a_moment_ago(place: Place, database: Path) -> None:
    """
    In WAL mode it is not in the database's own file yet, and a reader that forgets that is stale.
    """
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        with writer:
            writer.execute("INSERT INTO book VALUES ('D', 40)")
        count = "SELECT count(*) FROM book"
        found = place.value("query_sqlite", database=str(database), sql=count)

    assert [[4]] == found["rows"]


def test_query_sqlite_says_what_is_no_database(place: Place, folder: Path) -> None:
    """
    A path of a text file, or of nothing.
    """
    (folder / "a.txt").write_text("no database, but long enough to be looked at by the engine" * 20)
    sql = "SELECT 1 FROM sqlite_master"

    assert "NOT_FOUND" == place.code("query_sqlite", database=str(folder / "none"), sql=sql)
    assert place.code("query_sqlite", database=str(folder / "a.txt"), sql=sql)


# The others


def test_run_python_runs_a_program_with_files(place: Place) -> None:
    """
    Text and bytes in, text and bytes out.
    """
    found = place.value(
        "run_python",
        code=(
            "import sys, pathlib\n"
            "data = pathlib.Path('in.bin').read_bytes()\n"
            "pathlib.Path('out.bin').write_bytes(data[::-1])\n"
            "pathlib.Path('out.txt').write_text(input().upper())\n"
            "print(len(data)); print('careful', file=sys.stderr); sys.exit(3)\n"
        ),
        stdin="hello\n",
        files={"in.bin": {"base64": base64.b64encode(b"\0\xff").decode()}},
        collect=["out.bin", "out.txt", "none"],
    )

    assert ("2\n", "careful\n", 3) == (found["stdout"], found["stderr"], found["exit_code"])
    assert b"\xff\0" == base64.b64decode(found["files"]["out.bin"]["base64"])
    assert "HELLO" == found["files"]["out.txt"]
    assert ["none"] == list(found["not_collected"])


def test_run_python_keeps_nothing_for_the_next_call(place: Place) -> None:
    """
    Neither files nor modules nor variables.
    """
    leave = "open('left', 'w').write('x'); import json; json.left = 1"
    look = "import os, json; print(os.path.exists('left'), hasattr(json, 'left'))"
    place.value("run_python", code=leave)

    assert "False False\n" == place.value("run_python", code=look)["stdout"]


def test_calculate_is_exact_and_explains_what_it_cannot(place: Place) -> None:
    """
    A model's own arithmetic is neither.
    """
    assert str(2**200) == place.value("calculate", expression="2 ** 200")["text"]
    assert "DIVISION_BY_ZERO" == place.code("calculate", expression="1 / 0")
    assert "UNSUPPORTED" == place.code("calculate", expression="__import__('os').getpid()")


def test_current_time_knows_zones(place: Place) -> None:
    """
    And says which name was meant by one that is none.
    """
    now = dt.datetime.now(dt.UTC).timestamp()
    found = place.value("current_time", timezone="Asia/Tokyo")
    failed = place.client.run("current_time", {"timezone": "Europe/Berln"}).outcome

    assert "+09:00" == found["utc_offset"]
    assert pytest.approx(now, abs=30) == found["unix"]
    assert "Europe/Berlin" in f"{failed.message} {failed.hint}"


def test_system_info_tells_of_the_cell_and_not_of_the_host(place: Place) -> None:
    """
    The disk is the cell's own, and the limits are those of this call.
    """
    limits = {"disk_bytes": 2**20, "memory_bytes": 2**28}
    found = place.client.run("system_info", limits=limits).value

    assert 2**20 == found["disk_total_bytes"]
    assert 2**28 == found["limits"]["memory_bytes"]
    assert 0 < found["seconds_left"] <= 30


def test_text_stats_counts_without_python(place: Place) -> None:
    """
    A shell script behind the same walls, with the same kind of result.
    """
    described = place.client.get_tool("text_stats")
    found = place.value("text_stats", text="to be or\nnot to be\n")

    assert described.command
    assert (2, 6) == (found["lines"], found["words"])


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("calculate", {"expression": "1"}),
        ("current_time", {}),
        ("system_info", {}),
        ("text_stats", {"text": "x"}),
        ("run_python", {"code": "print(1)"}),
    ],
)
def test_results_are_what_the_tools_promise(
    place: Place, tool: str, arguments: dict[str, Any]
) -> None:
    """
    Each has an output schema, which the service holds it to.
    """
    result: Result = place.client.run(tool, arguments)

    assert place.client.get_tool(tool).returns_json
    assert "completed" == result.label
