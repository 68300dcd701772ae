"""
Stopping a cell's processes for a look at them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from toolcell_server import pausing, process_tree
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATE_SECONDS = 15.0  # generous: the host may be busy
PROGRAM = (
    "import os, signal, sys, time\n"
    "for _ in range({}):\n"
    "    if os.fork() == 0: break\n"
    "else: print('ready', flush=True)\n"
    "time.sleep(600)\n"
)


@pytest.fixture
def start() -> Iterator[Callable[[int], int]]:
    """
    Starts a program that forks so many times that number of times, and returns its pid.
    """
    with contextlib.ExitStack() as running:

        def start_one(forks: int) -> int:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", PROGRAM.format(forks)],
                stdout=subprocess.PIPE,
                process_group=0,
            )
            running.enter_context(process)
            running.callback(os.killpg, process.pid, signal.SIGKILL)
            assert process.stdout is not None
            process.stdout.readline()
            return process.pid

        yield start_one


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def all_in(pids: set[int], expected: str) -> None:
    wait_until(lambda: {state(pid) for pid in pids} == {expected}, LATE_SECONDS)


def test_all_processes_but_the_init_stand_still_and_go_on(start: Callable[[int], int]) -> None:
    """
    Orphans are the init's children, and the tool's processes all the same.
    """
    init, tool = start(1), start(2)
    everybody = set(process_tree.tree(init, tool))
    descriptors = len(os.listdir("/proc/self/fd"))

    with pausing.paused(init, tool):
        all_in(everybody - {init}, "T")
        assert "S" == state(init)
    all_in(everybody, "S")

    assert 2 + 3 == len(everybody)
    assert descriptors == len(os.listdir("/proc/self/fd"))


def test_a_bare_cell_is_its_tool(start: Callable[[int], int]) -> None:
    """
    It has no init, and its tool is named for both.
    """
    tool = start(0)

    with pausing.paused(tool, tool):
        all_in({tool}, "T")
    all_in({tool}, "S")


def test_what_the_tool_has_stopped_itself_stays_so(start: Callable[[int], int]) -> None:
    """
    A shell's jobs would go on for no reason that it could see.
    """
    init, tool = start(0), start(1)
    child = next(pid for pid in process_tree.tree(tool) if pid != tool)
    os.kill(child, signal.SIGSTOP)
    all_in({child}, "T")

    with pausing.paused(init, tool):
        all_in({tool}, "T")
    all_in({tool}, "S")

    assert "T" == state(child)


def test_who_is_killed_where_it_stands_ends(start: Callable[[int], int]) -> None:
    """
    The wall clock does not wait for a look.
    """
    init, tool = start(0), start(0)

    with pausing.paused(init, tool):
        all_in({tool}, "T")
        os.kill(tool, signal.SIGKILL)
        all_in({tool}, "Z")


def test_a_cell_that_is_gone_is_no_error(start: Callable[[int], int]) -> None:
    """
    It may end at any time.
    """
    init, tool = start(0), start(0)
    for pid in (init, tool):
        os.kill(pid, signal.SIGKILL)
    all_in({init, tool}, "Z")

    with pausing.paused(init, tool):
        pass
