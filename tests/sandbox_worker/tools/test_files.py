from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import pytest
from performing import builtin, perform

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, **arguments: Any) -> Any:
    return perform(builtin("read_file"), {"path": str(path), **arguments})


def write(path: Path, **arguments: Any) -> Any:
    return perform(builtin("write_file"), {"path": str(path), **arguments})


def listed(path: Path, **arguments: Any) -> Any:
    return perform(builtin("list_files"), {"path": str(path), **arguments})


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """
    Line ends included: what a model sees is what is there.
    """
    path = tmp_path / "a.txt"
    path.write_bytes("Grüße\r\nzwei\n".encode())

    assert read(path).result == {
        "path": str(path),
        "content": "Grüße\r\nzwei\n",
        "encoding": "utf-8",
        "offset": 0,
        "lines": 2,
        "next_offset": None,
        "size": 14,
    }


def test_a_long_file_is_read_in_parts_that_join_without_gap(tmp_path: Path) -> None:
    """
    `next_offset` is all that a model has to pass on.
    """
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{n}\n" for n in range(10)))
    parts, offset = [], 0
    while offset is not None:
        part = read(path, max_lines=4, offset=offset).result
        parts.append(part["content"])
        offset = part["next_offset"]

    assert len(parts) == 3
    assert "".join(parts) == path.read_text()


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    """
    A file may be one line of gigabytes.
    """
    path = tmp_path / "a.txt"
    path.write_text("x" * 1_500_000)
    first = read(path).result
    second = read(path, offset=first["next_offset"]).result

    assert len(first["content"]) == len(second["content"]) == 512 * 1024
    assert (first["next_offset"], second["next_offset"]) == (1, 2)


def test_a_file_is_read_in_another_encoding(tmp_path: Path) -> None:
    """
    Old files are rarely UTF-8.
    """
    path = tmp_path / "a.txt"
    path.write_bytes(b"Gr\xfc\xdfe")

    assert read(path, encoding="latin-1").result["content"] == "Grüße"


def test_bytes_are_read_in_base64_in_parts(tmp_path: Path) -> None:
    """
    Images and archives are no text.
    """
    path, data = tmp_path / "a.bin", bytes(range(256)) * 10
    path.write_bytes(data)
    first = read(path, encoding="base64", max_lines=1).result
    rest = read(path, encoding="base64", offset=first["next_offset"]).result

    parts = [base64.b64decode(part["content"]) for part in (first, rest)]
    assert b"".join(parts) == data
    assert rest["next_offset"] is None


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    """
    The model can correct it.
    """
    found = read(tmp_path / "none").raised

    assert (found["code"], found["category"], found["denials"]) == ("NOT_FOUND", "user", [])
    assert found["hint"]


def test_what_is_not_text_says_how_to_read_it(tmp_path: Path) -> None:
    """
    The next call then works.
    """
    path = tmp_path / "a.bin"
    path.write_bytes(b"\xff\xfe\xfd")

    assert read(path).raised["code"] == "NOT_TEXT"
    assert "base64" in read(path).raised["hint"]


NOT_READABLE = {
    "a folder": (lambda path: path.mkdir(), "NOT_A_FILE"),
    "a fifo": (os.mkfifo, "NOT_A_FILE"),
}


@pytest.mark.parametrize(("make", "code"), NOT_READABLE.values(), ids=NOT_READABLE)
def test_only_regular_files_are_read(tmp_path: Path, make: Any, code: str) -> None:
    """
    Opening a fifo waits for ever.
    """
    make(tmp_path / "odd")

    assert read(tmp_path / "odd").raised["code"] == code


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    """
    Models invent them.
    """
    (tmp_path / "a").write_text("x")

    assert "'utf8mb4'" in read(tmp_path / "a", encoding="utf8mb4").raised["message"]
    assert "'utf8mb4'" in write(tmp_path / "b", content="x", encoding="utf8mb4").raised["message"]


MODES = {
    "a new file": ("overwrite", None, "new\n", True),
    "a file in place of an old one": ("overwrite", "much longer than the new one", "new\n", False),
    "the end of a file": ("append", "old\n", "old\nnew\n", False),
    "the end of a file that is not there": ("append", None, "new\n", True),
    "only a new file": ("create", None, "new\n", True),
}


@pytest.mark.parametrize(("mode", "before", "after", "created"), MODES.values(), ids=MODES)
def test_writes(tmp_path: Path, mode: str, before: str | None, after: str, created: Any) -> None:
    """
    Each mode does what it says, and reports it.
    """
    path = tmp_path / "a.txt"
    if before is not None:
        path.write_text(before)
    result = write(path, content="new\n", mode=mode).result

    assert path.read_text() == after
    assert result == {
        "path": str(path),
        "bytes_written": 4,
        "size": len(after),
        "created": created,
    }


def test_create_does_not_replace(tmp_path: Path) -> None:
    """
    That is what it is for.
    """
    path = tmp_path / "a.txt"
    path.write_text("old")

    assert write(path, content="new", mode="create").raised["code"] == "EXISTS"
    assert path.read_text() == "old"


def test_what_cannot_be_encoded_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """
    It is encoded before the file is opened.
    """
    path = tmp_path / "a.txt"
    path.write_text("old")
    found = write(path, content="snow ☃", encoding="latin-1").raised

    assert "'☃'" in found["message"]
    assert path.read_text() == "old"


def test_bytes_are_written_from_base64(tmp_path: Path) -> None:
    """
    The counterpart of reading them so.
    """
    path = tmp_path / "a.bin"
    write(path, content=base64.b64encode(b"\x00\xff").decode(), encoding="base64")

    assert path.read_bytes() == b"\x00\xff"
    assert write(path, content="%%%", encoding="base64").raised["code"] == "NOT_BASE64"


def test_a_folder_is_listed_by_name_with_what_each_entry_is(tmp_path: Path) -> None:
    """
    Size and time tell which file is meant.
    """
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("12345")
    os.utime(tmp_path / "a.txt", (0, 86_400))
    entries = listed(tmp_path).result["entries"]

    assert [(e["name"], e["is_directory"]) for e in entries] == [("a.txt", False), ("b", True)]
    assert (entries[0]["size"], entries[0]["modified"]) == (5, "1970-01-02T00:00:00Z")


def test_a_pattern_and_recursion_narrow_and_widen(tmp_path: Path) -> None:
    """
    A model looks for *.csv somewhere below.
    """
    (tmp_path / "x" / "y").mkdir(parents=True)
    for name in ("a.csv", "a.txt", "x/b.csv", "x/y/c.csv"):
        (tmp_path / name).touch()

    def names(**arguments: Any) -> list[str]:
        return [entry["name"] for entry in listed(tmp_path, **arguments).result["entries"]]

    assert names(pattern="*.csv") == ["a.csv"]
    assert names(pattern="*.csv", recursive=True) == ["a.csv", "x/b.csv", "x/y/c.csv"]


def test_a_link_is_listed_and_not_followed(tmp_path: Path) -> None:
    """
    A loop of links has no end.
    """
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    result = listed(tmp_path, recursive=True).result

    assert [(e["name"], e["is_directory"]) for e in result["entries"]] == [
        ("a", True),
        ("a/loop", False),
    ]


def test_a_large_folder_is_cut_and_says_so(tmp_path: Path) -> None:
    """
    The answer has to fit a model's context.
    """
    for number in range(5):
        (tmp_path / str(number)).touch()
    result = listed(tmp_path, max_entries=3).result

    assert [entry["name"] for entry in result["entries"]] == ["0", "1", "2"]
    assert result["truncated"] is True
    assert listed(tmp_path, max_entries=5).result["truncated"] is False


def test_a_name_that_is_not_unicode_is_shown_in_escapes(tmp_path: Path) -> None:
    """
    It must not make the whole listing impossible to send.
    """
    (tmp_path / os.fsdecode(b"\xff.txt")).touch()

    assert [e["name"] for e in listed(tmp_path).result["entries"]] == ["\\xff.txt"]


def test_a_file_is_not_listed(tmp_path: Path) -> None:
    """
    The hint says which tool to use.
    """
    (tmp_path / "a").touch()

    assert "read_file" in listed(tmp_path / "a").raised["hint"]
    assert listed(tmp_path / "none").raised["code"] == "NOT_FOUND"
