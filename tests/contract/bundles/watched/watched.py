"""
Tools that try what they may not, and say this or that about it.
"""

import contextlib
import ctypes
import os
import platform
import socket
import threading
import time
from typing import Any

from toolcell_worker import Context, tool

_LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16


def _trace() -> int:
    _LIBC.ptrace(PTRACE_ATTACH, 1, 0, 0)
    return ctypes.get_errno()


@tool(effects="read_only")
def swallow() -> int:
    """
    Trace the init, and keep the error to itself.
    """
    return _trace()


@tool(effects="read_only")
def deny_it(context: Context) -> None:
    """
    Ask for a socket, then tell another story of it, and end in error.
    """
    with contextlib.suppress(OSError):
        socket.socket(socket.AF_INET)
    context.denied("socket", "a friendly neighbour", "not_granted", "network")
    context.denied("open", "/not/granted", "not_granted", "landlock")
    raise PermissionError(1, "Operation not permitted")


@tool(effects="read_only")
def only_say_so(context: Context) -> None:
    """
    Report a call that was never made.
    """
    context.denied("ptrace", "the server", "not_allowed", "seccomp")


@tool(effects="read_only")
def try_many(kinds: int) -> int:
    """
    Be refused in many ways: how often it was.

    Args:
        kinds: How many processes to trace.
    """
    return sum(_LIBC.ptrace(PTRACE_ATTACH, n, 0, 0) == -1 for n in range(kinds))


@tool(effects="read_only", limits={"processes": 16})
def hammer(threads: int) -> None:
    """
    Ask for what is refused, without end.

    Args:
        threads: From how many threads.
    """
    print("begun", flush=True)

    def ask() -> None:
        while True:
            _LIBC.ptrace(0, 0, 0, 0)

    started = [threading.Thread(target=ask) for _ in range(threads)]
    for each in started:
        each.start()
    for each in started:
        each.join()


@tool(effects="read_only")
def keep_under_way() -> None:
    """
    Keep as many descriptors as the kernel takes under way in sockets, and stay.
    """
    null = os.open("/dev/null", os.O_RDONLY)
    pairs = []
    with contextlib.suppress(OSError):
        while True:
            pairs.append(socket.socketpair())
            with contextlib.suppress(BlockingIOError):
                pairs[-1][0].setblocking(False)
                while True:
                    socket.send_fds(pairs[-1][0], [b"x"], [null] * 250)
    print("begun", flush=True)
    time.sleep(600)


@tool(effects="read_only")
def make_files(count: int) -> int:
    """
    Create files.

    Args:
        count: How many.
    """
    for number in range(count):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
    return count


@tool(effects="read_only", limits={"file_operations": 3})
def make_few_files(count: int) -> int:
    """
    Create files, of which it says itself that three are enough.

    Args:
        count: How many.
    """
    return make_files(count)


@tool(effects="read_only", profile="subprocess")
def leave_asking() -> str:
    """
    End while a child of its own still asks for what is refused.
    """
    if os.fork() == 0:
        while True:
            _LIBC.ptrace(0, 0, 0, 0)
    return "ended"


@tool(effects="read_only")
def foreign_call() -> Any:
    """
    Make a system call of another architecture: getpid of x32.
    """
    if platform.machine() != "x86_64":
        return "there is none"
    return _LIBC.syscall(ctypes.c_long(0x4000_0000 + 39))
