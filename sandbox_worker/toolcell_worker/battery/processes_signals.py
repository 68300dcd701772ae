"""
Attacks by signals: not to be ended by them, and to end others.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from toolcell_worker.battery.overstaying import LIBC, bear, child, overstay, say
from toolcell_worker.syscalls.door import call

if TYPE_CHECKING:
    from collections.abc import Callable

QUEUED = -1  # SI_QUEUE (asm-generic/siginfo.h)


def ignore_every_signal(plan: dict[str, Any]) -> Any:
    """
    Neither SIGTERM nor any other signal that can be ignored or blocked ends it.
    """
    bear(plan)
    _be_deaf()
    overstay(plan)
    return "it ended when it liked"


def stop_itself(plan: dict[str, Any]) -> Any:
    """
    A stopped process handles no signal, and whoever waits for it to end waits for long.
    """
    bear(plan)
    own = os.getpid()

    def waken() -> None:
        time.sleep(plan["seconds"])
        os.kill(own, signal.SIGCONT)

    child(waken)
    os.kill(own, signal.SIGSTOP)
    say("reached: it was stopped and went on as it liked")
    return "it went on"


def kill_the_neighbour(plan: dict[str, Any]) -> Any:
    """
    A process of the same user, by every call that sends a signal to a number.
    """
    return _end_it_by_every_way(plan["sibling"])


def kill_the_neighbour_by_descriptor(plan: dict[str, Any]) -> Any:
    """
    A descriptor of a process keeps its meaning where a number does not.
    """
    answers = []
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(plan["sibling"])
        answers.append("opened")
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        say("reached: a signal by a descriptor")
    return answers


def stop_the_neighbour(plan: dict[str, Any]) -> Any:
    """
    A stopped service answers nobody, and is not restarted either, because it lives.
    """
    return _attempts(
        {
            "kill": lambda: os.kill(plan["sibling"], signal.SIGSTOP),
            "killpg": lambda: os.kill(plan["sibling"], signal.SIGTSTP),
        }
    )


def signal_the_service(plan: dict[str, Any]) -> Any:
    """
    Signal 0 does nothing, and tells whether any other would arrive: at the server, its zygotes,
    its keeper.
    """
    own = {1, os.getpid()} if _is_enclosed() else {os.getpid()}
    found = []
    for pid in set(plan["service"]) - own:
        with contextlib.suppress(OSError):
            os.kill(pid, 0)
            say(f"reached: signals would arrive at {pid}")
            found.append(pid)
    return found


def kill_everybody(plan: dict[str, Any]) -> Any:
    """
    -1 are all processes that one may kill.  Outside of a cell that would be the host: there it is
    the neighbour alone.
    """
    everybody = -1 if _is_enclosed() else plan["sibling"]
    attempts = _attempts({"everybody": lambda: os.kill(everybody, signal.SIGKILL)})
    if _is_enclosed():
        attempts += _attempts({"the zygote's group": lambda: os.kill(0, signal.SIGCONT)})
    return attempts


def kill_the_init(plan: dict[str, Any]) -> Any:
    """
    Without process 1 the kernel ends all others.  Outside of a cell the neighbour stands for it.
    """
    victim = 1 if _is_enclosed() else plan["sibling"]
    return _end_it_by_every_way(victim)


def stay_after_being_cancelled(plan: dict[str, Any]) -> Any:
    """
    Whoever ends a call by asking its process to end is not heard, nor by the processes it started.
    """
    if not plan["stays"]:
        return "done"
    bear(plan)
    _be_deaf()

    def stay() -> None:
        os.setsid()
        time.sleep(plan["seconds"])

    for _ in range(2):
        child(lambda: child(stay))
    say("staying")
    overstay(plan)
    return "it ended when it liked"


def stop_and_go(plan: dict[str, Any]) -> Any:
    """
    A process that is stopped whenever somebody may look, and works between.
    """
    bear(plan)
    end = time.monotonic() + plan["seconds"]

    def work() -> None:
        while time.monotonic() < end:
            pass

    worker = child(work)
    while time.monotonic() < end:
        os.kill(worker, signal.SIGSTOP)
        time.sleep(0.001)
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.004)
    say("reached: it worked as long as it liked")
    return "it ended when it liked"


def _be_deaf() -> None:
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())


def _is_enclosed() -> bool:
    """
    In a pid namespace of our own the zygote, our parent, has no number.
    """
    return os.getppid() == 0


def _end_it_by_every_way(pid: int) -> list[str]:
    information = ctypes.create_string_buffer(128)
    ctypes.c_int.from_buffer(information, 8).value = QUEUED
    ways: dict[str, Callable[[], object]] = {}
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV, signal.SIGKILL):
        ways[f"kill {number}"] = lambda number=number: os.kill(pid, number)  # type: ignore[misc]
        ways[f"tgkill {number}"] = lambda number=number: call("tgkill", pid, pid, number)  # type: ignore[misc]
        ways[f"queue {number}"] = lambda number=number: call(  # type: ignore[misc]
            "rt_sigqueueinfo", pid, number, information.raw
        )
    ways["stop"] = lambda: os.kill(pid, signal.SIGSTOP)
    ways["tkill"] = lambda: call("tkill", pid, signal.SIGKILL)
    ways["limit"] = lambda: LIBC.kill(pid, signal.SIGXCPU)
    return _attempts(ways)


def _attempts(ways: dict[str, Callable[[], object]]) -> list[str]:
    """
    What each way was answered; whether it did anything, the oracle knows.
    """
    answers = []
    for name, way in ways.items():
        try:
            way()
        except OSError as exc:
            answers.append(f"{name}: {exc.strerror}")
        else:
            answers.append(f"{name}: sent")
    return answers
