"""
Attacks by processes: more of them than allowed, and such as outlive their call.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from toolcell_worker.battery.overstaying import LIBC, bear, child, overstay, say

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
SET_NAME = (
    "import ctypes, sys, time; ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0);"
    "time.sleep(float(sys.argv[2]))"
)


def fork_without_end(plan: dict[str, Any]) -> Any:
    """
    As many processes at once as the kernel gives.
    """
    bear(plan)
    refusals = 0
    for _ in range(plan["forks"]):
        try:
            child(lambda: time.sleep(plan["seconds"]))
        except OSError:
            refusals += 1
            time.sleep(0.001)
    time.sleep(0.1)  # for the oracle to count
    return refusals


def fork_along_a_chain(plan: dict[str, Any]) -> Any:
    """
    Each process forks one and ends: there is never one that could be killed by its number.
    """
    bear(plan)
    end = time.monotonic() + plan["seconds"]

    def link() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if os.fork() != 0:
                    return
            time.sleep(0.2)  # longer than the oracle needs for one look
        say("reached: the chain came to its own end")

    child(link)
    return "the tool has returned"


def leave_a_daemon(plan: dict[str, Any]) -> Any:
    """
    The classic way out of a parent's sight: fork twice, with a session of one's own between.
    """
    bear(plan)

    def daemon() -> None:
        os.closerange(0, 256)
        os.chdir("/")
        for number in range(1, signal.NSIG):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_IGN)
        time.sleep(plan["seconds"])

    def middle() -> None:
        os.setsid()
        child(daemon)

    os.waitpid(child(middle), 0)
    return "the tool has returned"


def leave_a_program(plan: dict[str, Any]) -> Any:
    """
    The same by a fresh program, which has none of our descriptors, handlers or names.
    """
    arguments = ["-I", "-S", "-c", SET_NAME, plan["marker"], str(plan["seconds"])]
    pid = os.posix_spawn(
        sys.executable, [sys.executable, *arguments], dict(os.environ), setsid=True
    )
    time.sleep(0.3)  # for it to take its name
    return pid


def hold_the_pipes(plan: dict[str, Any]) -> Any:
    """
    Whoever waits for the end of our output waits for a grandchild that holds it open.
    """
    bear(plan)
    child(lambda: child(lambda: overstay(plan)))
    return "the tool has returned"


def leave_its_parent(plan: dict[str, Any]) -> Any:
    """
    Undo what ties a process to its parent, and gather orphans below a process of one's own.
    """
    bear(plan)

    def orphan() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(0.001)
        overstay(plan)

    def reaper() -> None:
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        child(lambda: child(orphan))
        time.sleep(plan["seconds"])

    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child(reaper)
    child(orphan)
    os._exit(0)


def end_before_its_children(plan: dict[str, Any]) -> Any:
    """
    The tool's own process is gone at once, what it started is not.
    """
    bear(plan)
    for _ in range(3):
        child(lambda: overstay(plan))
    os._exit(0)


def start_programs_without_end(plan: dict[str, Any]) -> Any:
    """
    Each program is over before anybody has looked at it.
    """
    bear(plan)
    end = time.monotonic() + plan["seconds"]
    started = 0
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
            started += 1
    say(f"reached: {started} programs were started, until it liked to stop")
    return started


def take_the_number_of_another(_plan: dict[str, Any]) -> Any:
    """
    A process with the number of one that has just ended: whoever kills by number, kills us.
    """
    pid = child(lambda: None)
    os.waitpid(pid, 0)
    with contextlib.suppress(OSError), Path("/proc/sys/kernel/ns_last_pid").open("w") as file:
        file.write(str(pid - 1))
    again = child(lambda: None)
    os.waitpid(again, 0)
    if again == pid:
        say("reached: the number of an ended process")
    return [pid, again]
