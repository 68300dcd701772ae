"""
Marks of granted files: what changes them, and when they can be trusted.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.caching.file_marks import SETTLED_NANOSECONDS, marks_of, settled
from toolcell_server.grants import OpenedMount, PathGrant
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG_AGO = 10**9


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_text("one")
    os.utime(made, (LONG_AGO, LONG_AGO))
    return made


@pytest.fixture
def mount(file: Path) -> Iterator[OpenedMount]:
    yield from opened(file)


def opened(path: Path) -> Iterator[OpenedMount]:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    grant = PathGrant(path=str(path), access=pb.PATH_ACCESS_READ, root="/", real_root="/")
    yield OpenedMount(path=grant, directory=path.is_dir(), descriptor=descriptor)
    os.close(descriptor)


def tick(file: Path) -> None:
    """
    Wait until the file system's clock says another time than it did of this file's last change.
    """
    probe = file.with_name("probe")

    def later() -> bool:
        probe.write_text("")
        return probe.stat().st_ctime_ns > file.stat().st_ctime_ns

    wait_until(later, 10)


def write_and_set_back(file: Path) -> None:
    file.write_text("two")
    os.utime(file, (LONG_AGO, LONG_AGO))


CHANGES: dict[str, Callable[[Path], object]] = {
    "written, and its time set back": write_and_set_back,
    "truncated": lambda file: os.truncate(file, 1),
    "other rights": lambda file: file.chmod(0o600),
    "renamed": lambda file: file.rename(file.with_name("other")),
    "removed": lambda file: file.unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_happens_to_a_file_changes_its_mark(
    file: Path, mount: OpenedMount, change: Callable[[Path], object]
) -> None:
    before = marks_of([mount])
    tick(file)
    change(file)

    assert before is not None
    assert before != marks_of([mount])


def test_reading_leaves_the_mark_as_it_is(file: Path, mount: OpenedMount) -> None:
    before = marks_of([mount])
    file.read_text()

    assert before == marks_of([mount])


def test_a_mark_is_trusted_once_no_change_can_hide_behind_it(mount: OpenedMount) -> None:
    marks = marks_of([mount])
    assert marks is not None
    changed = marks[0][-1]

    assert not settled(marks, changed)
    assert not settled(marks, changed + SETTLED_NANOSECONDS)
    assert settled(marks, changed + SETTLED_NANOSECONDS + 1)
    assert not settled(marks, time.time_ns())  # it was made just now
    assert settled((), 0)


def test_what_is_no_file_has_no_mark(tmp_path: Path) -> None:
    """
    What changes deeper in a folder leaves no trace in it; what does not exist may come to be.
    """
    (folder,) = opened(tmp_path)
    grant = PathGrant(path="/x", access=pb.PATH_ACCESS_STAGED, root="/", real_root="/")

    with pytest.raises(OSError, match="Bad file descriptor"):
        marks_of([folder])  # it was closed: never asked by its name
    assert marks_of([OpenedMount(path=grant, directory=False)]) is None


def test_a_folder_has_no_mark(tmp_path: Path) -> None:
    for folder in opened(tmp_path):
        assert marks_of([folder]) is None


def test_an_optional_file_that_comes_to_be_makes_a_difference(mount: OpenedMount) -> None:
    assert () == marks_of([])
    assert marks_of([mount]) != marks_of([])
