"""
What is unpacked, and what is refused: a table of archives, most of them lies.
"""

from __future__ import annotations

import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from toolcell_server.refusals import UploadRefused
from toolcell_server.uploads import unpacking
from toolcell_server.uploads.unpacking import unpacked
from zipping import DEVICE, LINK, doubled, overlapping, zipped

TOOL = "def tool(): ...\n"
MEGABYTE = 2**20


def test_a_python_file_is_itself() -> None:
    assert {"tools.py": TOOL.encode()} == unpacked(TOOL.encode(), "tools.py")


@pytest.mark.parametrize("name", ["tools.zip", "tools-1.0-py3-none-any.whl"])
def test_an_archive_is_its_files(name: str) -> None:
    """
    Folders are made as they are needed; whether they are listed says nothing.
    """
    content = zipped({"tools/": "", "tools/__init__.py": TOOL, "tools/data.json": "{}"})
    expected = {"tools/__init__.py": TOOL.encode(), "tools/data.json": b"{}"}

    assert expected == unpacked(content, name)


NAMES: dict[str, str] = {
    "above": "../tool.py",
    "above, from inside": "a/../../tool.py",
    "absolute": "/etc/tool.py",
    "a drive": "C:tool.py",
    "a backslash": "..\\tool.py",
    "an empty part": "a//tool.py",
    "a dot": "./tool.py",
    "a control character": "a\ntool.py",
    "text that runs backwards": "a\u202etool.py",
    "another spelling of itself": "e\u0301.py",
    "too long": "a" * 241 + ".py",
    "too deep": "a/" * 16 + "tool.py",
    "too long in bytes": "ä" * 200 + ".py",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_that_would_have_to_be_cleaned_is_refused(name: str) -> None:
    """
    And with it the whole archive: whoever wrote that name meant something by it.
    """
    with pytest.raises(UploadRefused, match=r"has .* name"):
        unpacked(zipped({"good.py": TOOL, name: TOOL}), "a.zip")


PAIRS: dict[str, tuple[str, str]] = {
    "letters of another size": ("Tool.py", "tool.py"),
    "a folder of another size": ("a/one.py", "A/two.py"),
    "a letter and its sign": ("\ufb01.py", "fi.py"),
    "a file and a folder": ("tool.py", "tool.py/inner.py"),
}


@pytest.mark.parametrize(("first", "second"), PAIRS.values(), ids=PAIRS.keys())
def test_names_that_are_one_name_elsewhere_are_refused(first: str, second: str) -> None:
    """
    What was looked at must be what is loaded.
    """
    with pytest.raises(UploadRefused, match=r"one name|two spellings|as a file and as a folder"):
        unpacked(zipped({first: TOOL, second: TOOL}), "a.zip")


def test_one_name_twice_is_refused() -> None:
    """
    Readers differ in which of the two they take.
    """
    content = doubled(zipped({"one.py": TOOL, "two.py": "evil"}), "two.py", "one.py")
    with pytest.raises(UploadRefused, match="which are one name"):
        unpacked(content, "a.zip")


def test_a_name_that_ends_early_for_some_is_refused() -> None:
    content = doubled(zipped({"tool.py": TOOL, "x.py_y.py": TOOL}), "x.py_y.py", "x.py\0y.py")
    with pytest.raises(UploadRefused, match=r"another to others|damaged"):
        unpacked(content, "a.zip")


@pytest.mark.parametrize("mode", [LINK, DEVICE], ids=["a link", "a device"])
def test_what_is_no_file_is_refused(mode: int) -> None:
    """
    A link that is written as one leads out of the folder.
    """
    with pytest.raises(UploadRefused, match="neither a file nor a folder"):
        unpacked(zipped({"tool.py": "/etc/shadow"}, mode), "a.zip")


def test_a_bomb_is_refused_before_it_has_gone_off() -> None:
    """
    By what comes out, not by what its headers say.
    """
    content = zipped({"tool.py": TOOL, "bomb": b"\0" * (200 * MEGABYTE)})
    assert len(content) < MEGABYTE
    with pytest.raises(UploadRefused, match="unpacks to more than"):
        unpacked(content, "a.zip")


def test_small_files_are_no_bomb() -> None:
    """
    However well they are packed.
    """
    assert 2 == len(unpacked(zipped({"tool.py": TOOL, "zeros": b"\0" * 500_000}), "a.zip"))


def test_files_that_share_their_bytes_are_refused() -> None:
    """
    So does a megabyte become a petabyte without any ratio to be seen.
    """
    content = overlapping(20, 1000)
    with pytest.raises(UploadRefused, match="share their bytes"):
        unpacked(content, "a.zip")


def test_too_many_files_are_refused() -> None:
    files: dict[str, str | bytes] = {f"a{number}.py": "" for number in range(2001)}
    with pytest.raises(UploadRefused, match="at most 2000"):
        unpacked(zipped(files), "a.zip")


def test_a_directory_that_would_fill_the_memory_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The library reads all of it first.
    """
    monkeypatch.setattr(unpacking, "MAXIMUM_FILES", 10)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    files: dict[str, str | bytes] = {f"a{number}.py": "" for number in range(21)}
    with pytest.raises(UploadRefused, match="more than 10 files"):
        unpacked(_plain(files), "a.zip")


def _plain(files: dict[str, str | bytes]) -> bytes:
    return b"PK\x03\x04" + b"PK\x01\x02" * len(files)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method: int) -> None:
    """
    Each is one more parser of hostile bytes.
    """
    with pytest.raises(UploadRefused, match="packed in a way"):
        unpacked(zipped({"tool.py": TOOL}, method=method), "a.zip")


WRONG: dict[str, tuple[bytes, str, str]] = {
    "no zip": (b"nothing", "a.zip", "is no zip"),
    "something before it": (b"#!/bin/sh\n" + zipped({"a.py": TOOL}), "a.zip", "before it"),
    "half a zip": (zipped({"a.py": TOOL})[:60], "a.zip", "damaged"),
    "no Python in it": (zipped({"a.txt": "x"}), "a.zip", "no Python file"),
    "nothing in it": (zipped({}), "a.zip", "is no zip"),
    "another kind": (b"x", "tool.sh", "ends in .py, .zip or .whl"),
    "a path as its name": (b"x", "a/tool.py", "ends in .py"),
    "a name that is no module": (b"x", "my-tool.py", "no import can name"),
    "a keyword": (b"x", "class.py", "no import can name"),
    "no name": (b"x", ".py", "no import can name"),
    "a wheel with files elsewhere": (
        zipped({"a.py": TOOL, "a-1.data/purelib/b.py": TOOL}),
        "a-1-py3-none-any.whl",
        "outside its packages",
    ),
}


@pytest.mark.parametrize(("content", "name", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_upload_says_why(content: bytes, name: str, reason: str) -> None:
    with pytest.raises(UploadRefused, match=reason):
        unpacked(content, name)


GOOD = zipped({"tools/__init__.py": TOOL, "tools/more.py": TOOL * 50})


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
@example(8, 99)
def test_whatever_is_changed_in_an_archive_is_refused_or_unpacked(place: int, value: int) -> None:
    """
    No other error comes out, and no name that leads elsewhere.
    """
    content = GOOD[:place] + bytes([value]) + GOOD[place + 1 :]
    try:
        files = unpacked(content, "a.zip")
    except UploadRefused:
        return

    assert not any(name.startswith("/") or ".." in name.split("/") for name in files)


@given(st.binary(max_size=400))
def test_whatever_is_sent_is_refused_or_unpacked(content: bytes) -> None:
    try:
        unpacked(b"PK\x03\x04" + content, "a.zip")
    except UploadRefused:
        return
