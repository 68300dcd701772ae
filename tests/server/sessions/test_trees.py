"""
Ways through a workspace that a hostile tool has arranged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from toolcell_server.sessions import removing, trees
from toolcell_server.sessions.quota import MAXIMUM_DEPTH

if TYPE_CHECKING:
    from pathlib import Path

PLENTY = 2**40, 10**6


def deep(top: Path, levels: int) -> None:
    """
    Deeper than a path can name, if asked to.
    """
    folder = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)


def remove(path: Path) -> None:
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        removing.remove(path.name, parent)
    finally:
        os.close(parent)


def test_names_and_bytes_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(10_000))
    (tmp_path / "d").mkdir()
    (tmp_path / "d/b").write_bytes(b"")
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    used = trees.measured(str(tmp_path), *PLENTY)

    assert 5 == used.files
    assert used.bytes >= 20_000  # each name counts


def test_a_hole_counts_as_what_it_says(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**30)

    assert trees.measured(str(tmp_path), *PLENTY).bytes >= 2**30


def test_room_that_is_taken_and_not_used_counts(tmp_path: Path) -> None:
    """
    fallocate(2) with KEEP_SIZE: a file of no bytes that fills a disk.
    """
    with (tmp_path / "taken").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2**20)
        os.ftruncate(file.fileno(), 2**20)

    assert trees.measured(str(tmp_path), *PLENTY).bytes >= 2**20


def test_nobody_counts_further_than_is_allowed(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / str(number)).touch()

    assert 11 == trees.measured(str(tmp_path), 2**40, 10).files


def test_deep_folders_are_told_and_not_followed(tmp_path: Path) -> None:
    deep(tmp_path, MAXIMUM_DEPTH - 1)
    assert not trees.measured(str(tmp_path), *PLENTY).deep
    assert trees.listed(str(tmp_path), "", 1000)[1] is False
    remove(tmp_path / "d")
    deep(tmp_path, MAXIMUM_DEPTH)
    assert trees.measured(str(tmp_path), *PLENTY).deep
    assert trees.listed(str(tmp_path), "", 1000)[1] is True


def test_folders_deeper_than_a_path_can_name_are_removed(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    deep(tmp_path / "w", 3000)
    (tmp_path / "w/.removed-0").write_text("a name like ours")
    remove(tmp_path / "w")

    assert [] == list(tmp_path.iterdir())


def test_folders_that_lock_us_out_are_entered_and_removed(tmp_path: Path) -> None:
    """
    Root is locked out of nothing; an ordinary user's server is.
    """
    for name, mode in (("none", 0), ("list", 0o400), ("enter", 0o100), ("read", 0o500)):
        (tmp_path / "w" / name / "inner").mkdir(parents=True)
        (tmp_path / "w" / name / "inner/file").write_bytes(bytes(5000))
        (tmp_path / "w" / name / "inner").chmod(mode)
        (tmp_path / "w" / name).chmod(mode)

    assert trees.measured(str(tmp_path / "w"), *PLENTY).bytes >= 20_000
    for name in ("none", "list", "enter", "read"):
        (tmp_path / "w" / name).chmod(0)
    remove(tmp_path / "w")
    assert [] == list(tmp_path.iterdir())


def test_a_link_is_removed_and_its_target_is_not(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("kept")
    (tmp_path / "w").mkdir()
    (tmp_path / "w/link").symlink_to(tmp_path / "kept")
    (tmp_path / "direct").symlink_to(tmp_path / "kept")
    remove(tmp_path / "w")
    remove(tmp_path / "direct")

    assert "kept" == (tmp_path / "kept/file").read_text()


@pytest.mark.parametrize("path", ["link/passwd", "out/x", "fifo", "link", "d", "d/none", "f/x"])
def test_what_is_no_file_within_is_not_opened(tmp_path: Path, path: str) -> None:
    workspace = tmp_path / "w"
    (workspace / "d").mkdir(parents=True)
    (workspace / "f").write_text("a file")
    (tmp_path / "x").write_text("outside")
    (workspace / "link").symlink_to("/etc")
    (workspace / "out").symlink_to("..")
    os.mkfifo(workspace / "fifo")
    top = trees.opened(str(workspace))
    try:
        with pytest.raises(OSError):  # noqa: PT011  # which one is the kernel's affair
            trees.open_file(path, top)
        os.close(trees.open_file("f", top))
    finally:
        os.close(top)


def test_names_that_nobody_can_be_told_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / os.fsdecode(b"\xff")).touch()
    found, incomplete = trees.listed(str(tmp_path), "", 1000)

    assert ["plain"] == [each.path for each in found]
    assert incomplete


def test_a_list_is_of_one_folder_and_bounded(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert ["a/1", "a/2"] == [each.path for each in trees.listed(str(tmp_path), "a", 9)[0]]
    found, incomplete = trees.listed(str(tmp_path), "", 3)
    assert (3, True) == (len(found), incomplete)
