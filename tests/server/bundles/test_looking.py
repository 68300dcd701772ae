"""
Whether a folder has changed: everything that may change what is loaded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from toolcell_server.bundles import looking
from toolcell_server.bundles.looking import TooManyFiles, look

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def put(folder: Path) -> None:
    (folder / "new.py").write_text("")


def change(folder: Path) -> None:
    (folder / "tool.py").write_text("longer than before")


def replace_with_one_as_long_and_as_old(folder: Path) -> None:
    status = (folder / "tool.py").stat()
    (folder / "other").write_text("tool 2")
    os.utime(folder / "other", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "other").rename(folder / "tool.py")


def touch_deep(folder: Path) -> None:
    (folder / "package" / "inner.py").write_text("changed")


def remove(folder: Path) -> None:
    (folder / "tool.py").unlink()


def rename(folder: Path) -> None:
    (folder / "tool.py").rename(folder / "tools.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    (tmp_path / "tool.py").write_text("tool 1")
    (tmp_path / "package" / "inner.py").write_text("inner")
    return tmp_path


CHANGES: dict[str, Callable[[Path], None]] = {
    "a new file": put,
    "another content": change,
    "another file of the same size and time": replace_with_one_as_long_and_as_old,
    "a file of a package in it": touch_deep,
    "a file that goes": remove,
    "another name": rename,
}


@pytest.mark.parametrize("do", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_seen(folder: Path, do: Callable[[Path], None]) -> None:
    """
    Each of these may change what is loaded.
    """
    before = look(str(folder))
    assert before == look(str(folder))
    do(folder)

    assert before != look(str(folder))


def test_what_python_and_editors_leave_is_no_change(folder: Path) -> None:
    """
    Swap files come and go while somebody types.
    """
    before = look(str(folder))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "tool.pyc").write_text("")
    (folder / ".tool.py.swp").write_text("")
    (folder / ".git").mkdir()
    (folder / ".git" / "index").write_text("")

    assert before == look(str(folder))


def test_another_target_of_a_link_is_a_change(tmp_path: Path) -> None:
    """
    So does Kubernetes exchange a whole ConfigMap.
    """
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool.py").write_text(name[:5])
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "..data").symlink_to(tmp_path / "first")
    (tmp_path / "mounted" / "tool.py").symlink_to("..data/tool.py")
    before = look(str(tmp_path / "mounted"))
    (tmp_path / "mounted" / "..new").symlink_to(tmp_path / "second")
    (tmp_path / "mounted" / "..new").rename(tmp_path / "mounted" / "..data")

    assert before != look(str(tmp_path / "mounted"))


def test_a_folder_that_goes_is_empty(tmp_path: Path) -> None:
    """
    And is no error: it may come back.
    """
    assert frozenset() == look(str(tmp_path / "gone"))


def test_a_link_to_a_folder_above_leads_in_no_circle(folder: Path) -> None:
    """
    Or the look would never end.
    """
    (folder / "package" / "up").symlink_to(folder)

    assert 2 == len(look(str(folder)))


def test_a_folder_with_too_many_files_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Somebody named / or his home.
    """
    monkeypatch.setattr(looking, "MAXIMUM_FILES", 1)
    with pytest.raises(TooManyFiles, match="more than 1 files"):
        look(str(folder))
