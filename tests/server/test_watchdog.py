"""
The watchdog over real processes: what it counts, and what it ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes import await_end
from scripted_executor import run
from toolcell_server import process_tree
from toolcell_server.limits import Limits
from toolcell_server.watch import UNSURE, Watch, full_in_seconds
from toolcell_server.watchdog import Watchdog
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEBIBYTE = 2**20
LATE_SECONDS = 15.0  # generous: the host may be busy
AMPLE = Limits(memory_bytes=2**40, processes=1000, cpu_seconds=1000)
# Every program says when it is where the test wants it, and lives until its stdin is closed.
WAIT = "print('ready', flush=True); sys.stdin.read()"
HOLD = "kept = bytearray(b'x') * ({} * 2**20)\n"
FORK = (
    "pid = 1\n"
    "for _ in range({}): pid = pid and os.fork()\n"
    "if not pid: time.sleep(60); os._exit(0)\n"
)


@pytest.fixture
def start() -> Iterator[Callable[..., int]]:
    """
    Starts a python program, waits until it is ready, and returns its pid.
    """
    with contextlib.ExitStack() as running:

        def start_one(code: str = "", says: int = 1) -> int:
            program = f"import mmap, os, signal, sys, threading, time\n{code}\n{WAIT}"
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            running.enter_context(process)
            running.callback(_kill_session, process.pid)
            assert process.stdout is not None
            for _ in range(says):
                assert process.stdout.readline() == b"ready\n"
            return process.pid

        yield start_one


def _kill_session(leader: int) -> None:
    subprocess.run(["pkill", "-KILL", "--session", str(leader)], check=False)


def watch(pids: tuple[int, int], limits: Limits = AMPLE) -> Watch:
    return Watch(pids, limits, lambda limit: None)


def test_memory_that_was_taken_before_the_first_look_is_counted(
    start: Callable[..., int],
) -> None:
    """
    The first look comes up to a tick, on a busy host much more, after the tool's first line.
    """
    watched = watch((start(), start(HOLD.format(64))), Limits(memory_bytes=48 * MEBIBYTE))

    assert "memory" == watched.look()
    assert 56 * MEBIBYTE < watched.peak.memory_bytes < 96 * MEBIBYTE


def test_what_every_cell_shares_with_its_zygote_is_not_counted(start: Callable[..., int]) -> None:
    """
    A bundle with a large library would leave its tools nothing.
    """
    watched = watch((start(HOLD.format(64)), start(HOLD.format(64))))
    watched.look()

    assert watched.peak.memory_bytes < 16 * MEBIBYTE


def test_processes_that_each_stay_below_the_limit_are_added_up(start: Callable[..., int]) -> None:
    """
    Rlimits see each of them alone.
    """
    many = (
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        f"        {HOLD.format(32)}"
        "        print('ready', flush=True); time.sleep(60)\n"
    )
    watched = watch((start(), start(many, says=4)), Limits(memory_bytes=64 * MEBIBYTE))

    assert "memory" == watched.look()
    assert watched.peak.processes == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a cell's memory")
def test_what_forked_children_share_is_counted_once(start: Callable[..., int]) -> None:
    """
    A tool that loads its data and then forks workers uses it once.
    """
    workers = (
        f"{HOLD.format(64)}"
        "for _ in range(4):\n"
        "    if os.fork() == 0:\n"
        "        print('ready', flush=True); time.sleep(60)\n"
    )
    watched = watch((start(), start(workers, says=5)), Limits(memory_bytes=128 * MEBIBYTE))

    assert "" == watched.look()
    assert 56 * MEBIBYTE < watched.peak.memory_bytes < 128 * MEBIBYTE


def test_shared_anonymous_memory_is_counted(start: Callable[..., int]) -> None:
    """
    It belongs to no process alone, and RssAnon does not have it.
    """
    shared = "m = mmap.mmap(-1, 64 * 2**20); m.write(b'x' * len(m))"
    watched = watch((start(), start(shared)), Limits(memory_bytes=48 * MEBIBYTE))

    assert "memory" == watched.look()


def test_orphans_are_found_through_the_init(start: Callable[..., int]) -> None:
    """
    A daemon's parent is gone; its new parent is the init.
    """
    watched = watch((start(FORK.format(3)), start()))
    watched.look()

    assert watched.peak.processes == 1 + 3


def test_one_process_more_than_allowed_is_too_many(start: Callable[..., int]) -> None:
    """
    The init is ours and does not count.
    """
    pids = (start(), start(FORK.format(3)))

    assert "" == watch(pids, Limits(processes=4)).look()
    assert "processes" == watch(pids, Limits(processes=3)).look()


def test_threads_are_bounded_by_more_than_processes_are(start: Callable[..., int]) -> None:
    """
    A library's thread pool is no bomb, three hundred threads are one.
    """
    threads = (
        "for _ in range({}): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    limits = Limits(processes=1)

    assert "" == watch((start(), start(threads.format(64))), limits).look()
    assert "processes" == watch((start(), start(threads.format(300))), limits).look()


def test_processor_time_of_children_is_counted_while_they_live_and_after(
    start: Callable[..., int],
) -> None:
    """
    Work that is handed to short-lived children is still the tool's work.
    """
    burn = (
        "if os.fork() == 0:\n"
        "    end = time.process_time() + 0.3\n"
        "    while time.process_time() < end: pass\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    watched = watch((start(), start(burn)), Limits(cpu_seconds=0.25))

    assert "cpu" == watched.look()


def test_processor_time_of_children_that_nobody_waits_for_is_not_forgotten(
    start: Callable[..., int],
) -> None:
    """
    Who ignores SIGCHLD is never told what its children have used, and nor are we.
    """
    burners = (
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})\n"
        "for first in (True, False):\n"
        "    if os.fork() == 0:\n"
        "        first or signal.sigwait({signal.SIGUSR1})\n"
        "        while time.process_time() < 1.0: pass\n"
        "        print('ready', flush=True); time.sleep(60); os._exit(0)\n"
    )
    tool = start(burners, says=2)
    # Between one child and two of them, with room for how long an interpreter takes to start.
    watched = watch((start(), tool), Limits(cpu_seconds=1.7))
    first, second = sorted(set(process_tree.tree(tool)) - {tool})

    assert "" == watched.look()
    os.kill(first, signal.SIGKILL)
    await_end([first], LATE_SECONDS)
    os.kill(second, signal.SIGUSR1)
    wait_until(lambda: watched.look() == "cpu", LATE_SECONDS)


@pytest.mark.parametrize("name", [b"\x0bRssAnon:\t0 kB", b"\x0bRssAnon:\tx", b"\x0bThreads:\tx"])
def test_no_name_that_a_process_gives_itself_hides_its_memory(
    start: Callable[..., int], name: bytes
) -> None:
    """
    The name is the first line of the file in which we read, and for Python more than a line.
    """
    naming = f"import ctypes; ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)\n{HOLD.format(64)}"
    watched = watch((start(), start(naming)), Limits(memory_bytes=48 * MEBIBYTE))

    assert "memory" == watched.look()


def test_memory_counts_when_the_first_thread_of_its_process_has_ended(
    start: Callable[..., int],
) -> None:
    """
    The file of the process itself shows none then, as if it had ended.
    """
    hiding = (
        f"{HOLD.format(64)}"
        "def go_on(): print('ready', flush=True); time.sleep(60)\n"
        "threading.Thread(target=go_on).start()\n"
        "import ctypes, platform\n"
        "ctypes.CDLL(None).syscall({'x86_64': 60}.get(platform.machine(), 93), 0)\n"
    )
    watched = watch((start(), start(hiding)), Limits(memory_bytes=48 * MEBIBYTE))

    wait_until(lambda: watched.look() == "memory", LATE_SECONDS)


def test_a_look_that_cannot_tell_or_takes_too_long_ends_the_cell() -> None:
    """
    What a look waits for is a lock of the tool's own; it must not be a way to be left alone.
    """
    watched = watch((1, 1), Limits(memory_bytes=48 * MEBIBYTE))

    assert ["memory", "", "", "memory"] == [
        watched.judge_memory(size) for size in (None, 0, 47 * MEBIBYTE, 49 * MEBIBYTE)
    ]
    assert 49 * MEBIBYTE == watched.peak.memory_bytes


@pytest.mark.parametrize(
    ("room", "per_second", "expected"),
    [
        pytest.param(30, 10.0, 3.0, id="what grows fills its room"),
        pytest.param(0, 10.0, 0.0, id="what is full is so now"),
        pytest.param(30, 0.0, math.inf, id="what rests never does"),
        pytest.param(30, -10.0, math.inf, id="what shrinks never does"),
        pytest.param(-1, 10.0, math.inf, id="what is beyond its limit is no longer foreseen"),
    ],
)
def test_who_will_be_full_before_the_next_tick_is_foreseen(
    room: int, per_second: float, expected: float
) -> None:
    """
    Two processors fill a small cell's room between two ticks.
    """
    assert expected == full_in_seconds(room, per_second)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a cell's memory")
def test_what_was_found_to_have_room_is_not_measured_again_at_once(
    start: Callable[..., int],
) -> None:
    """
    Every closer look stops the cell: a tool that forks honestly would stand half of its time.
    """
    workers = f"{HOLD.format(64)}{FORK.format(4)}"
    watched = watch((start(), start(workers)), Limits(memory_bytes=256 * MEBIBYTE))

    assert UNSURE == watched.glance()
    assert "" == watched.judge_memory(0)
    watched.has_room_until += LATE_SECONDS
    assert "" == watched.glance()
    watched.has_room_until = 0.0
    assert UNSURE == watched.glance()


def test_a_cell_stands_still_while_it_is_looked_at_closely_and_goes_on_after(
    start: Callable[..., int],
) -> None:
    """
    Otherwise it takes more memory for as long as the look lasts.
    """
    pids = (start(), start(f"{HOLD.format(32)}{FORK.format(2)}"))
    told: queue.Queue[str] = queue.Queue()
    seen: queue.Queue[set[str]] = queue.Queue()

    class Slow(Watch):
        def look_closely(self) -> int:
            wait_until(lambda: states(pids[1]) == {"T"}, LATE_SECONDS)
            seen.put(states(pids[0]))
            return 0

    with Watchdog().watching(Slow(pids, Limits(memory_bytes=64 * MEBIBYTE), told.put)):
        init = seen.get(timeout=LATE_SECONDS)
    wait_until(lambda: "T" not in states(pids[1]), LATE_SECONDS)

    assert ({"S"}, True) == (init, told.empty())


def test_a_closer_look_that_fails_ends_the_cell(start: Callable[..., int]) -> None:
    """
    What cannot be looked at is not left to itself.
    """
    pids = (start(), start(f"{HOLD.format(32)}{FORK.format(2)}"))
    told: queue.Queue[str] = queue.Queue()

    class Failing(Watch):
        def look_closely(self) -> int:
            raise RuntimeError

    with Watchdog().watching(Failing(pids, Limits(memory_bytes=64 * MEBIBYTE), told.put)):
        limit = told.get(timeout=LATE_SECONDS)

    assert "memory" == limit


def states(pid: int) -> set[str]:
    """
    Of a process and its descendants: `S` sleeps, `T` is stopped.
    """
    files = (Path(f"/proc/{each}/stat") for each in process_tree.tree(pid))
    return {file.read_text().rpartition(")")[2].split()[0] for file in files}


def test_a_process_that_is_gone_is_no_error(start: Callable[..., int]) -> None:
    """
    Processes end between any two lines of /proc that are read.
    """
    gone = subprocess.Popen([sys.executable, "-I", "-c", ""])
    gone.wait()

    assert "" == watch((gone.pid, gone.pid)).look()


def test_without_the_children_file_the_same_is_found(
    start: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Not every kernel is built with it.
    """
    pids = (start(), start(FORK.format(3)))
    with_file = watch(pids)
    with_file.look()
    monkeypatch.setattr(process_tree, "HAS_CHILDREN_FILE", False)
    without = watch(pids)
    without.look()

    assert with_file.peak.processes == without.peak.processes == 4


def test_a_broken_limit_is_told_and_the_patrol_ends_with_the_last_watch(
    start: Callable[..., int],
) -> None:
    """
    An idle service looks at nothing.
    """
    pids = (start(), start(HOLD.format(64)))

    told: queue.Queue[str] = queue.Queue()
    dog = Watchdog()
    with dog.watching(Watch(pids, Limits(memory_bytes=32 * MEBIBYTE), told.put)):
        limit = told.get(timeout=LATE_SECONDS)
        patrol = dog._thread
    assert patrol is not None
    patrol.join(LATE_SECONDS)

    assert ("memory", False, None) == (limit, patrol.is_alive(), dog._thread)


def test_a_cell_is_touched_no_more_once_it_is_not_watched(start: Callable[..., int]) -> None:
    """
    Its descriptors may be another cell's by then.
    """
    touched: list[str] = []
    watched = Watch((start(), start()), AMPLE, touched.append, deadline=0.0)
    dog = Watchdog()
    with dog.watching(watched):
        wait_until(lambda: bool(touched), LATE_SECONDS)
    before = len(touched)
    patrol = dog._thread
    if patrol is not None:
        patrol.join(LATE_SECONDS)

    assert (before, {"wall"}) == (len(touched), set(touched))


def test_a_cell_that_cannot_fork_is_its_own_two_processes(start: Callable[..., int]) -> None:
    """
    To look for children of each of its threads would be the dearest part of a look.
    """
    watched = Watch((start(), start(FORK.format(3))), AMPLE, lambda limit: None, forks=False)
    watched.look()

    assert 1 == watched.peak.processes


def test_a_busy_loop_keeps_nobody_from_being_watched(start: Callable[..., int]) -> None:
    """
    A tool that floods the server could otherwise take what it likes meanwhile.
    """
    pids = (start(), start(HOLD.format(64)))

    async def scenario() -> str:
        told: queue.Queue[str] = queue.Queue()
        with Watchdog().watching(Watch(pids, Limits(memory_bytes=32 * MEBIBYTE), told.put)):
            return told.get(timeout=LATE_SECONDS)  # the loop does nothing else

    assert "memory" == run(scenario())
