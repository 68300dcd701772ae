"""
Every system call of the keeper fails in turn: no path is given with a protection less, no file is
left half written, and what is told of a file is true.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_worker.commit import fingerprint
from toolcell_worker.wire import Frame

from faults.requests import Answered, TracedKeeper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ERRORS = (errno.EPERM, errno.ENOSPC)
SLOTS = itertools.count()
OLD, NEW = "old" * 1000, "new" * 2000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_text(OLD)
    (tmp_path / "root" / "folder").mkdir()
    (tmp_path / "staged").write_text(NEW)
    return tmp_path / "root"


@pytest.fixture(scope="module")
def keeper() -> Iterator[TracedKeeper]:
    one = TracedKeeper()
    yield one
    one.close()


def faults_of(sound: Answered, error: int) -> list[tuple[str, str, int, int]]:
    """
    Each call between the request and its answer, failing alone.
    """
    calls = Counter(sound.calls)
    return [
        (role, name, number, error)
        for (role, name), times in sorted(calls.items())
        for number in range(1, times + 1)
    ]


def opening(root: Path, access: str) -> dict[str, Any]:
    path = {"path": str(root / "folder"), "root": str(root), "access": access}
    # A slot of its own each time: the keeper remembers what it made for one.
    return {"paths": [path], "slot": next(SLOTS)}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("access", ["read", "write"])
def test_a_path_is_given_as_it_should_be_or_not_at_all(
    keeper: TracedKeeper, root: Path, access: str
) -> None:
    """
    A tree that is not read-only, or may be executed from, would be more than was granted.
    """
    sound = keeper.ask(Frame.OPEN, opening(root, access))
    [flags] = sound.trees
    assert flags & os.ST_NOEXEC
    assert flags & os.ST_NOSUID
    assert flags & os.ST_NODEV
    assert bool(flags & os.ST_RDONLY) == (access == "read")
    assert {"openat2", "open_tree", "mount_setattr"} <= {name for _, name in sound.calls}
    given = 0
    for fault in faults_of(sound, errno.EPERM):
        found = keeper.ask(Frame.OPEN, opening(root, access), fault=fault)
        assert found.met, fault
        # Where the owner could not be mapped, modes decide as for anybody: that is less, not more.
        assert {flags} >= set(found.trees), fault
        if found.answer:
            assert found.answer[0]["status"] in ("opened", "refused", "missing"), fault
            assert bool(found.trees) == (found.answer[0]["status"] == "opened"), fault
        given += len(found.trees)
    assert 0 < given < len(faults_of(sound, errno.EPERM))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.__getitem__)
@pytest.mark.parametrize("name", ["file", "new"])
def test_a_staged_file_is_old_or_new_and_what_is_told_is_true(
    keeper: TracedKeeper, root: Path, name: str, error: int
) -> None:
    """
    Whichever call of a commit fails, a disk that is full included.
    """
    target = root / name

    def commit(fault: tuple[str, str, int, int] | None = None) -> Answered:
        target.unlink(missing_ok=True)
        if name == "file":
            target.write_text(OLD)
        expected = fingerprint(target.stat()) if name == "file" else None
        asked = {"path": str(target), "root": str(root), "expected": expected}
        return keeper.ask(Frame.COMMIT, asked, root.parent / "staged", fault)

    sound = commit()
    assert ("committed", NEW) == (sound.answer["status"], target.read_text())
    untrue = []
    for fault in faults_of(sound, error):
        found = commit(fault)
        status = found.answer["status"] if found.answer else "nothing"
        content = target.read_text() if target.exists() else ""
        before = OLD if name == "file" else ""
        left = sorted({path.name for path in root.iterdir()} - {"file", "folder", "new"})
        told = {"committed": {NEW}, "nothing": {before, NEW}}.get(status, {before})
        if (
            not found.met
            or content not in told
            or (left and fault[1] not in ("unlink", "unlinkat"))
        ):
            untrue.append((fault, status, content[:3], left))
        for path in left:
            (root / path).unlink()
    assert [] == untrue
