"""
Tools that take memory where no process shows it, and more than their part of the rest.
"""

import os
import socket
import threading
import time

from toolcell_worker import tool

MEBIBYTE = 2**20
LONG = 600


@tool(effects="read_only", profile="subprocess")
def hoard(mebibytes: int, processes: int) -> str:
    """
    Keep memory in several processes, each of them far below the limit.

    Args:
        mebibytes: How much, in each process.
        processes: In how many processes.
    """
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    kept = bytearray(mebibytes * MEBIBYTE)
    kept[::4096] = b"x" * (len(kept) // 4096)
    time.sleep(LONG)
    return "kept"


@tool(effects="read_only")
def fill_own_disk_and_memory(disk: int, memory: int) -> int:
    """
    Use as much of both at a time as is allowed.

    Args:
        disk: How many MiB of files.
        memory: How many MiB of memory.
    """
    with open("/tmp/file", "wb") as file:
        file.writelines(os.urandom(MEBIBYTE) for _ in range(disk))
    kept = bytearray(b"x") * (memory * MEBIBYTE)
    return len(kept)


@tool(effects="read_only", profile="subprocess")
def fill_sockets(pairs: int) -> int:
    """
    Leave bytes in the buffers of sockets.

    Args:
        pairs: Of how many pairs of sockets.
    """
    kept = []
    for _ in range(pairs):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        kept += [ours, theirs]
        try:
            while True:
                ours.send(bytes(65536))
        except BlockingIOError:
            pass
    time.sleep(LONG)
    return len(kept)


@tool(effects="read_only", profile="subprocess")
def fill_pipes(pipes: int, processes: int) -> int:
    """
    Leave bytes in pipes.

    Args:
        pipes: In how many, in each process.
        processes: In how many processes.
    """
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    kept = []
    for _ in range(pipes):
        read, write = os.pipe()
        kept += [read, write]
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, bytes(65536))
        except BlockingIOError:
            pass
    time.sleep(LONG)
    return len(kept)


@tool(effects="read_only", profile="subprocess")
def start_threads(count: int) -> int:
    """
    Start threads that stay, and say how many there could be.

    Args:
        count: How many at most.
    """
    started = 0
    threading.stack_size(65536)
    try:
        for _ in range(count):
            threading.Thread(target=time.sleep, args=(LONG,), daemon=True).start()
            started += 1
    except RuntimeError:
        pass
    os.write(1, f"{started}".encode())
    time.sleep(LONG)
    return started


@tool(effects="read_only", profile="subprocess")
def spin(processes: int) -> str:
    """
    Use the processors without end.

    Args:
        processes: How many.
    """
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    while True:
        pass


@tool(effects="read_only")
def reach_for_own_group() -> list[str]:
    """
    Which control group files can be named or opened, by every way in.
    """
    places = ("/sys/fs/cgroup", "/proc/self/cgroup", "/proc/1/cgroup", "/proc/self/fd")
    found = [place for place in places if os.path.exists(place)]
    for descriptor in range(256):
        for name in ("cgroup.procs", "../cgroup.procs", "memory.max"):
            try:
                os.close(os.open(name, os.O_WRONLY, dir_fd=descriptor))
                found.append(f"{descriptor}/{name}")
            except OSError:
                pass
    return found


@tool(effects="read_only")
def add(first: int, second: int) -> int:
    """
    Add.

    Args:
        first: One number.
        second: The other.
    """
    return first + second
