"""
What the resources wall writes and reads, over a made-up group; tests/kernels has real ones.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cells import MEBIBYTE, cell_grant
from toolcell_worker.walls.resources import Group, GroupNotMade
from toolcell_worker.wire import GROUP_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "cell-7"


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    (tmp_path / NAME).mkdir()
    for file in ("memory.max", "pids.max", "cgroup.procs"):
        (tmp_path / NAME / file).write_text("")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield Group(descriptor, NAME)
    os.close(descriptor)


def test_the_ceilings_leave_room_for_the_cells_own_files_and_for_the_kernel(
    group: Group, tmp_path: Path
) -> None:
    """
    The exact limit is the watchdog's; this one must not be hit by what is allowed.
    """
    group.limit(cell_grant(memory_bytes=64 * MEBIBYTE, disk_bytes=16 * MEBIBYTE, processes=8))

    assert str((64 + 16 + 32) * MEBIBYTE) == (tmp_path / NAME / "memory.max").read_text()
    assert str(8 + 256 + 1) == (tmp_path / NAME / "pids.max").read_text()


@pytest.mark.parametrize(
    ("events", "kills"),
    [
        pytest.param("oom 2\noom_kill 3\n", 3, id="for its own limit"),
        pytest.param("oom 0\noom_kill 3\n", 0, id="for the memory of the host"),
        pytest.param("oom 2\noom_kill 0\n", 0, id="nobody was killed"),
    ],
)
def test_only_kills_for_the_cells_own_limit_are_the_cells(
    group: Group, tmp_path: Path, events: str, kills: int
) -> None:
    (tmp_path / NAME / "memory.events").write_text(f"low 0\nhigh 0\nmax 9\n{events}")
    (tmp_path / NAME / "cpu.stat").write_text("usage_usec 30\nuser_usec 10\nsystem_usec 20\n")
    (tmp_path / NAME / "memory.peak").write_text("4096\n")

    assert (kills, 10, 20, 4096) == GROUP_ACCOUNT.unpack(group.account())


def test_what_a_kernel_does_not_count_is_nothing(group: Group) -> None:
    """
    memory.peak is younger than the oldest kernel that we run on.
    """
    assert (0, 0, 0, 0) == GROUP_ACCOUNT.unpack(group.account())


def test_a_group_without_the_controllers_is_named_as_this_wall(tmp_path: Path) -> None:
    """
    It must not pass for a host that cannot fork.
    """
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(GroupNotMade) as refusal:
            Group(descriptor, NAME).make()
    finally:
        os.close(descriptor)

    assert "resources" == refusal.value.wall
    assert not (tmp_path / NAME).exists()
