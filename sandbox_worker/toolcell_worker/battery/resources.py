"""
Attacks on what is counted: room on disk, entries, descriptors, and quotas of a user.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_worker.battery.overstaying import LIBC, bear, child, say
from toolcell_worker.syscalls.door import call

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = bytes(2**18)
IPC_CREAT = 0o1000
RNDGETENTCNT, RNDADDTOENTCNT = 0x8004_5200, 0x4004_5201  # linux/random.h


def fill_the_disk(plan: dict[str, Any]) -> Any:
    """
    Many files, each small enough.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _fill(plan, lambda number: f"{folder}/{number}")


def fill_the_shared_memory_folder(plan: dict[str, Any]) -> Any:
    """
    What lies in /dev/shm is memory, and nobody's.
    """
    written: list[str] = []

    def name(number: int) -> str:
        written.append(f"/dev/shm/toolcell-{plan['marker']}-{number}")
        return written[-1]

    try:
        return _fill(plan, name)
    finally:
        for path in written:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _fill(plan: dict[str, Any], name: Callable[[int], str]) -> None:
    """
    Raises:
        OSError: it is full.
    """
    total = 0
    for number in range(plan["files"]):
        with Path(name(number)).open("wb") as file:
            while file.tell() < plan["bytes"] // plan["files"]:
                total += file.write(CHUNK)
    say(f"reached: {total} bytes lie there at once")


def fill_with_empty_files(plan: dict[str, Any]) -> Any:
    """
    An entry without content is kernel memory all the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number in range(plan["files"]):
            os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY))
        say(f"reached: {plan['files']} files at once")


def write_one_large_file(plan: dict[str, Any]) -> Any:
    """
    One file, larger than a file may be.
    """
    with tempfile.TemporaryFile() as file:
        while file.tell() < plan["bytes"]:
            file.write(CHUNK)
        file.flush()
        say(f"reached: a file of {os.fstat(file.fileno()).st_size} bytes")


def open_files_without_end(plan: dict[str, Any]) -> Any:
    """
    As many descriptors as there are, of many kinds.
    """
    held: list[int] = []
    makers: list[Callable[[], tuple[int, ...]]] = [
        lambda: (os.open("/dev/null", os.O_RDONLY),),
        os.pipe,
        lambda: (os.eventfd(0),) if hasattr(os, "eventfd") else (os.dup(0),),
        lambda: (os.dup(0),),
        lambda: tuple(end.detach() for end in socket.socketpair()),
    ]
    for number in range(plan["descriptors"]):
        held += makers[number % len(makers)]()
    say(f"reached: {len(held)} descriptors at once")


def put_descriptors_in_flight(plan: dict[str, Any]) -> Any:
    """
    A descriptor that was sent and not yet received is open, and in nobody's table.
    """
    sender, receiver = socket.socketpair()
    sent = 0
    with sender, receiver:
        sender.setblocking(False)
        while sent < plan["descriptors"]:
            ends = os.pipe()
            try:
                socket.send_fds(sender, [b"x"], list(ends))
            finally:
                os.close(ends[0])
                os.close(ends[1])
            sent += 2
        say(f"reached: {sent} descriptors in flight")


def use_up_the_quotas_of_its_user(plan: dict[str, Any]) -> Any:
    """
    Watches, watched descriptors and timers are counted per user, who may be the service itself.
    """
    instances = 0
    for _ in range(plan["instances"]):
        if LIBC.inotify_init1(0) < 0:
            break
        instances += 1
    if instances:
        say(f"reached: {instances} instances of inotify")
    timers = 0
    timer = ctypes.c_int()
    while timers < plan["timers"] and LIBC.timer_create(1, None, ctypes.byref(timer)) == 0:
        timers += 1
    if timers == plan["timers"]:
        say(f"reached: {timers} timers")
    return {"instances": instances, "timers": timers, "watched": _watch(plan["watched"])}


def _watch(wanted: int) -> int:
    """
    Each pair of an epoll and a descriptor is one.
    """
    pollers: list[select.epoll] = []
    watched = 0
    with contextlib.suppress(OSError):
        while watched < wanted:
            pollers.append(select.epoll())
            for other in pollers[:-1]:
                pollers[-1].register(other, select.EPOLLIN)
                watched += 1
    return watched


def leave_shared_memory_behind(plan: dict[str, Any]) -> Any:
    """
    A segment of System V stays until somebody removes it, and so do semaphores and messages.
    """
    answers = {}
    for name, arguments in (
        ("shmget", (plan["key"], 2**20, IPC_CREAT | 0o666)),
        ("semget", (plan["key"], 1, IPC_CREAT | 0o666)),
        ("msgget", (plan["key"], IPC_CREAT | 0o666)),
    ):
        try:
            answers[name] = call(name, *arguments)
        except OSError as exc:
            answers[name] = -(exc.errno or 0)
    return answers


def leave_a_queue_behind(plan: dict[str, Any]) -> Any:
    """
    A POSIX queue has a name of its own, outside of every folder that we show.
    """
    return call("mq_open", str(plan["marker"]).encode() + b"\0", os.O_CREAT | os.O_RDWR, 0o666, 0)


def drain_the_random_numbers(_plan: dict[str, Any]) -> Any:
    """
    Read what seeds other programs' keys until nothing is left, and make the kernel believe in more.
    """
    device = os.open("/dev/random", os.O_RDONLY | os.O_NONBLOCK)
    began = time.monotonic()
    read = sum(len(os.read(device, 512)) for _ in range(256))
    for request in (RNDGETENTCNT, RNDADDTOENTCNT):
        count = ctypes.c_int(0)
        if LIBC.ioctl(device, ctypes.c_ulong(request), ctypes.byref(count)) == 0:
            say(f"reached: the kernel's count of entropy, {count.value}")
        elif ctypes.get_errno() not in (errno.EPERM, errno.ENOTTY):
            say("reached: the device's own refusal")
    return {"bytes": read, "seconds": time.monotonic() - began, "more": len(os.getrandom(32))}


def come_in_a_crowd(plan: dict[str, Any]) -> Any:
    """
    One of many calls at once; and whoever may fork is many by himself.
    """
    bear(plan)
    with contextlib.suppress(OSError):
        for _ in range(plan["crowd"]):
            child(lambda: time.sleep(plan["seconds"]))
    time.sleep(plan["seconds"])
    return "answered"
