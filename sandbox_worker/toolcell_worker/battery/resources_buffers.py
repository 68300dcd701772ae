"""
Attacks on memory that the kernel holds for a process, and that counts as none of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from toolcell_worker.battery.overstaying import LIBC, say

MEBIBYTE = 2**20
F_SETPIPE_SZ = 1031  # linux/fcntl.h


def keep_memory_in_files_without_a_name(_plan: dict[str, Any]) -> Any:
    """
    memfd_create: pages of no process and of no disk.
    """
    for number in range(4):
        descriptor = os.memfd_create(f"toolcell{number}")
        os.write(descriptor, bytes(MEBIBYTE))
    say("reached: memory in files without a name")


def fill_pipes(plan: dict[str, Any]) -> Any:
    """
    What nobody reads lies in the kernel; a pipe can be made larger.
    """
    enlarged = 0
    held = []
    with contextlib.suppress(OSError):
        for _ in range(plan["pipes"]):
            reader, writer = os.pipe()
            held.append((reader, writer))
            os.set_blocking(writer, False)
            if LIBC.fcntl(writer, F_SETPIPE_SZ, MEBIBYTE) >= MEBIBYTE:
                enlarged += 1
            with contextlib.suppress(BlockingIOError):
                while os.write(writer, bytes(2**16)):
                    pass
    if enlarged:
        say(f"reached: {enlarged} pipes of a mebibyte each")
    return [len(held), enlarged]


def fill_sockets(plan: dict[str, Any]) -> Any:
    """
    What nobody receives lies in the kernel; a socket's buffer can be made larger.
    """
    total, pairs = 0, []
    with contextlib.suppress(OSError):
        while total < plan["bytes"]:
            pairs.append(socket.socketpair())
            for end in pairs[-1]:
                end.setblocking(False)
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    with contextlib.suppress(OSError):
                        end.setsockopt(socket.SOL_SOCKET, option, 2**30)
                total += _fill_one(end, plan["bytes"] - total)
    if total >= plan["bytes"]:
        say(f"reached: {total} bytes in {len(pairs)} pairs of sockets")
    return total


def _fill_one(end: socket.socket, wanted: int) -> int:
    piece, total = bytes(32 * 1024 - 320), 0
    with contextlib.suppress(BlockingIOError):
        while total < wanted:
            total += end.send(piece)
    return total
