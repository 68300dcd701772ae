"""
Starts a program of the worker's room, with one socket and nothing else of ours.

Never a fork of this process: it has threads and gRPC.  subprocess without preexec_fn and with
unchanged ids uses vfork and exec, which is safe here.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.util
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_worker.wire import HEADER, Frame

from toolcell_server import scheduling
from toolcell_server.channel import Channel

if TYPE_CHECKING:
    from toolcell_server.zygote_group import ZygoteGroup

# `-I` keeps the current directory, PYTHONPATH and the user's site out.  The room is first on the
# path for this one package, because a bundle's own interpreter may hold another version of it: the
# walls and the frames are those of this server.  Then it is last, so that the bundle finds its own
# packages first.
BOOTSTRAP = (
    "import sys, typing; room = sys.argv.pop(1); sys.path.insert(0, room); import toolcell_worker; "
    "sys.path.remove(room); sys.path.append(room); "
    "from toolcell_worker.__main__ import main; sys.exit(main(sys.argv[1:]))"
)
# linux/pidfd.h: mask, control group, pid, and more that we do not ask for.
_PIDFD_INFO = struct.Struct("=QQI")
_NO_INFO = bytes(64)
_PIDFD_GET_INFO = 3 << 30 | len(_NO_INFO) << 16 | 0xFF << 8 | 11
ENDING_SECONDS = 1.0  # arbitrary; from closing its socket to its end takes milliseconds
# A clean environment: what a process is exec'd with stays readable in its memory for ever.
# Numeric libraries must not start threads in a zygote.  Each arena of the allocator reserves
# address space, which RLIMIT_AS counts: 512 MiB would be seven threads (mallopt(3)).
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/tmp",  # noqa: S108  # of the cell: private to it
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def start(
    kind: str, instructions: dict[str, Any], python: str = "", group: ZygoteGroup | None = None
) -> tuple[subprocess.Popen[bytes], Channel]:
    """
    Start the `zygote` or the `keeper`, and send it its START frame; with a control group, once it
    is in there.

    Raises:
        OSError: the interpreter cannot be run.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = spawn(kind, theirs.fileno(), python)
        except OSError:
            ours.close()
            raise
    try:
        if group is not None:
            group.admit(process.pid)
        _tell(ours, instructions, [group.descriptor] if group else [])
    except BaseException:
        kill(process)
        ours.close()
        raise
    return process, Channel(ours)


def _tell(channel: socket.socket, instructions: dict[str, Any], descriptors: list[int]) -> None:
    payload = json.dumps(instructions).encode()
    header = HEADER.pack(Frame.START, len(payload))
    with contextlib.suppress(BrokenPipeError):  # it has ended; whoever reads its answer learns why
        socket.send_fds(channel, [header], descriptors)
        channel.sendall(payload)


def spawn(kind: str, descriptor: int, python: str = "") -> subprocess.Popen[bytes]:
    """
    Start a program with one descriptor to speak over.

    Raises:
        OSError: the interpreter cannot be run.
    """
    interpreter = [python or sys.executable, "-I", "-B", "-X", "utf8"]
    process = subprocess.Popen(
        [*interpreter, "-c", BOOTSTRAP, _room(), kind, str(descriptor)],
        env=ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        start_new_session=True,  # Ctrl-C on a terminal is the server's to handle
    )
    scheduling.come_first(process.pid)
    return process


async def why_it_ended(process: subprocess.Popen[bytes], python: str) -> str:
    """
    A sentence on a program that closed its socket before it had loaded anything.
    """
    try:  # to kill it at once would hide its exit code
        code = await asyncio.to_thread(process.wait, ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        code = kill(process)
    return (
        f"{python or sys.executable} exited with {code} while it loaded the bundle; make sure that"
        " it is a Python interpreter, and that no file of the bundle ends it"
    )


def kill(process: subprocess.Popen[bytes]) -> int:
    """
    Kill a program; its exit code.
    """
    process.kill()
    return process.wait()


def _room() -> str:
    found = importlib.util.find_spec("toolcell_worker")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent.parent)


def host_pid(pidfd: int) -> int:
    """
    The pid, in our own namespace, of the process that a pidfd names; the zygote's pids are its
    own (pidfd_open(2), proc_pid_fdinfo(5)).  -1: it has been reaped.
    """
    with contextlib.suppress(OSError):  # a kernel before 6.13, or it has been reaped
        _, _, pid = _PIDFD_INFO.unpack_from(fcntl.ioctl(pidfd, _PIDFD_GET_INFO, _NO_INFO))
        return int(pid)
    descriptor = os.open(f"/proc/self/fdinfo/{pidfd}", os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(descriptor) as file:
        for line in file:
            if line.startswith("Pid:"):
                return int(line.split()[1])
    return -1
