"""
Attacks on memory: more than allowed, and such as no counter of a process shows.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Any

from toolcell_worker.battery.overstaying import LIBC, PR_SET_NAME, bear, child, say
from toolcell_worker.syscalls.door import call

if TYPE_CHECKING:
    from collections.abc import Callable

MEBIBYTE = 2**20
PIECE, PORTION = 256 * 1024, 4 * 2**20
NOTHING = 2**64 - 1  # MAP_FAILED
SHARED, NORESERVE = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, 0x4000  # linux/mman.h
DONTNEED = 4  # MADV_DONTNEED
PATIENCE_SECONDS = 5.0  # arbitrary; to take a share is a matter of milliseconds
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, *[ctypes.c_size_t] * 5]
LIBC.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def touch_memory(plan: dict[str, Any]) -> Any:
    """
    Take memory and write into all of it.
    """
    bear(plan)
    held = _take(plan["bytes"])
    time.sleep(plan["seconds"])
    say(f"reached: {plan['bytes']} bytes")
    del held


def touch_memory_in_many_processes(plan: dict[str, Any]) -> Any:
    """
    Each stays below the limit; the sum does not.
    """
    _in_many_processes(plan, _take)


def hide_its_memory_by_its_name(plan: dict[str, Any]) -> Any:
    """
    A process chooses its own name, and whoever reads /proc carelessly takes it for a number.
    """

    def hide(share: int) -> object:
        LIBC.prctl(PR_SET_NAME, b"\x0bRssAnon:\t0\n", 0, 0, 0)
        return _take(share)

    _in_many_processes(plan, hide)


def hide_memory_behind_a_thread_that_has_ended(plan: dict[str, Any]) -> Any:
    """
    A process whose first thread has ended shows no memory of its own; its other threads do.
    """
    _in_many_processes(plan, _take, aside=True)


def touch_shared_memory(plan: dict[str, Any]) -> Any:
    """
    Memory that belongs to no process alone.
    """
    _in_many_processes(plan, _take_shared)


def hide_shared_memory(plan: dict[str, Any]) -> Any:
    """
    Shared pages that a process gives up remain, and count as nobody's.
    """

    def hide(share: int) -> None:
        for _ in range(share // PORTION):
            address = _map(PORTION, SHARED, -1)
            for start in range(0, PORTION, PIECE):
                ctypes.memset(address + start, 1, PIECE)
                LIBC.madvise(address + start, PIECE, DONTNEED)

    _in_many_processes(plan, hide)


def hide_shared_memory_in_a_child(plan: dict[str, Any]) -> Any:
    """
    A child inherits the region and never looks at it; whoever has filled it lets go.
    """
    _in_many_processes(plan, _take_shared, leave=True)


def hide_shared_memory_in_crumbs(plan: dict[str, Any]) -> Any:
    """
    Shared memory lives as a whole as long as one page of it is mapped: no limit sees the rest.
    """
    bear(plan)
    _leave_crumbs(plan, SHARED, -1)


def hide_memory_of_the_zero_device(plan: dict[str, Any]) -> Any:
    """
    A shared mapping of /dev/zero is the same, and asks for a file.
    """
    bear(plan)
    _leave_crumbs(plan, mmap.MAP_SHARED, os.open("/dev/zero", os.O_RDWR))


def _in_many_processes(
    plan: dict[str, Any], act: Callable[[int], object], *, leave: bool = False, aside: bool = False
) -> None:
    """
    Let each take its share, and keep it until all have theirs.  To leave it is to end, and to leave
    it to a child; `aside`: in a thread that goes on when the first has ended.
    """
    bear(plan)
    share = plan["bytes"] // plan["processes"] // PORTION * PORTION
    (ready, tell), (going, go) = os.pipe(), os.pipe()

    def stay() -> None:
        os.close(tell)
        os.read(going, 1)

    def keep() -> None:
        kept = act(share)
        if leave:
            child(stay)
        os.write(tell, b"x")
        if not leave:
            stay()
        del kept
        os._exit(0)

    def take() -> None:
        os.close(go)
        if not aside:
            keep()
        threading.Thread(target=keep).start()
        call("exit", 0)  # of this thread alone (exit(2))

    pids = [child(take) for _ in range(plan["processes"])]
    os.close(tell)
    taken = 0
    while select.select([ready], [], [], PATIENCE_SECONDS)[0] and os.read(ready, 1):
        taken += 1
    if taken == len(pids):
        time.sleep(plan["seconds"])
        say(f"reached: {plan['bytes']} bytes as long as they liked")
    os.close(go)
    for pid in pids:
        os.waitpid(pid, 0)


def _take(share: int) -> object:
    # Made anew each time: a constant would be one object.
    return [bytes([number % 255 + 1]) * PIECE for number in range(share // PIECE)]


def _take_shared(share: int) -> object:
    region = mmap.mmap(-1, share)
    for start in range(0, share, PIECE):
        region[start : start + PIECE] = b"x" * PIECE
    return region


def _leave_crumbs(plan: dict[str, Any], flags: int, file: int) -> None:
    for _ in range(plan["bytes"] // PORTION):
        address = _map(PORTION, flags, file)
        ctypes.memset(address, 1, PORTION)
        LIBC.munmap(address + mmap.PAGESIZE, PORTION - mmap.PAGESIZE)
    time.sleep(plan["seconds"])
    say(f"reached: {plan['bytes']} bytes as long as it liked")


def _map(size: int, flags: int, file: int) -> int:
    """
    Raises:
        OSError: the kernel gives nothing.
    """
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    address = LIBC.mmap(None, size, protection, flags, file % 2**64, 0)
    if address is None or address == NOTHING:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(address)


def reserve_address_space(plan: dict[str, Any]) -> Any:
    """
    Promised memory costs nothing, until all promises are kept.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE
    with contextlib.suppress(OSError):
        _map(plan["bytes"], flags, -1)
        say(f"reached: {plan['bytes']} bytes were promised")


def lock_memory(_plan: dict[str, Any]) -> Any:
    """
    Locked pages cannot be taken from it, whoever else needs them.
    """
    region = ctypes.create_string_buffer(MEBIBYTE)
    address = ctypes.addressof(region)
    for name, arguments in (
        ("mlock", (address, MEBIBYTE)),
        ("mlock2", (address, mmap.PAGESIZE, 1)),  # MLOCK_ONFAULT
        ("mlockall", (2,)),  # MCL_FUTURE
    ):
        with contextlib.suppress(OSError):
            call(name, *arguments)
            say(f"reached: memory is locked by {name}")
            call("munlockall")
