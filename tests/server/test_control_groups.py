"""
Finding a control group to divide, over made-up hierarchies; tests/kernels does it with real ones.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from toolcell_server.control_groups import ControlGroups, NotDelegated, check, own_directory

HYBRID = "30 25 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
UNIFIED = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
BOUND = "30 25 0:26 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
SPACED = "30 25 0:26 / /mnt/control\\040groups rw - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(
    ("membership", "mounts", "expected"),
    [
        pytest.param("0::/a/b\n", UNIFIED, "/sys/fs/cgroup/a/b", id="a unified hierarchy"),
        pytest.param("9:pids:/\n0::/\n", HYBRID, "/sys/fs/cgroup/unified", id="a hybrid one"),
        pytest.param("0::/docker/abc/x\n", BOUND, "/sys/fs/cgroup/x", id="only a part is mounted"),
        pytest.param("0::/docker/abc\n", BOUND, "/sys/fs/cgroup", id="the part is all of ours"),
        pytest.param("0::/a\n", SPACED, "/mnt/control groups/a", id="a space in its place"),
        pytest.param("0::/a\n", BOUND + UNIFIED, "/sys/fs/cgroup/a", id="one of several shows us"),
    ],
)
def test_our_own_group_is_found_where_it_is_mounted(
    membership: str, mounts: str, expected: str
) -> None:
    assert Path(expected) == own_directory(membership, mounts)


@pytest.mark.parametrize(
    ("membership", "mounts"),
    [
        pytest.param("9:pids:/\n", UNIFIED, id="version 1 only"),
        pytest.param("0::/a\n", "", id="not mounted"),
        pytest.param("0::/docker/abcdef\n", BOUND, id="another's part is mounted"),
        pytest.param("0::/../outside\n", BOUND, id="outside of our namespace"),
    ],
)
def test_a_group_that_does_not_appear_is_not_guessed_at(membership: str, mounts: str) -> None:
    with pytest.raises(NotDelegated) as refusal:
        own_directory(membership, mounts)

    assert refusal.value.reason
    assert refusal.value.remedy


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """
    What looks like a delegated group that we are alone in.
    """
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    (tmp_path / "cgroup.type").write_text("domain\n")
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n")
    return tmp_path


def test_a_delegated_group_in_which_we_are_alone_can_be_divided(group: Path) -> None:
    """
    The control for the refusals below.
    """
    check(group)


def test_a_controller_that_is_not_offered_is_named(group: Path) -> None:
    (group / "cgroup.controllers").write_text("cpu pids\n")
    with pytest.raises(NotDelegated, match="not offered the controllers memory"):
        check(group)


def test_a_group_with_processes_of_others_is_left_alone(group: Path) -> None:
    with (group / "cgroup.procs").open("a") as file:
        file.write("1\n")
    with pytest.raises(NotDelegated, match="processes of others"):
        check(group)


def test_the_root_of_the_hierarchy_may_hold_processes_of_others(group: Path) -> None:
    with (group / "cgroup.procs").open("a") as file:
        file.write("1\n")
    (group / "cgroup.type").unlink()

    check(group)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_group_that_we_may_not_write_is_named(group: Path) -> None:
    (group / "cgroup.subtree_control").chmod(0o444)
    with pytest.raises(NotDelegated, match=r"cgroup\.subtree_control may not be written"):
        check(group)


def test_a_service_without_a_delegated_group_says_why_and_changes_nothing(tmp_path: Path) -> None:
    """
    Cells are then bounded by the watchdog, and their isolation is reported so.
    """
    membership = tmp_path / "cgroup"
    membership.write_text("9:pids:/\n")
    groups = ControlGroups(str(membership))
    groups.open()

    assert groups.refused is not None
    assert "version 2" in groups.refused.reason
    assert groups.group("bundle", None) is None
    groups.close()
