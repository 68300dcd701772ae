"""
Processes whose seccomp filter asks: the real filter, its real listener, and no cell around them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import walled

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADED = """
from toolcell_worker.walls import listening
syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
libc = ctypes.CDLL(None, use_errno=True)
handing = socket.socket(fileno={descriptor})
listener = listening.load(
    seccomp.program(Profile.{profile}, network=False, observed=True, counted={counted})
)
socket.send_fds(handing, [b"x"], [listener])
os.close(listener)
"""


@contextlib.contextmanager
def asking(
    body: str, *, profile: str = "COMPUTE", counted: bool = False, user: str = "as_started"
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """
    A process that runs a body as `walled.run` does, behind a filter that asks; and the listener,
    which is the caller's to close.  The process is killed at the end if it still runs.
    """
    ours, theirs = socket.socketpair()
    loaded = LOADED.format(descriptor=theirs.fileno(), profile=profile, counted=counted)
    parts = [walled.PREAMBLE, walled.USERS[user], loaded, textwrap.dedent(body)]
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", "\n".join([*parts, "print(json.dumps(found))"])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(walled.SECONDS)
        with process:
            try:
                _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
                assert descriptors, "the process ended before it could ask"
                os.set_inheritable(descriptors[0], False)
                yield process, descriptors[0]
            finally:
                process.kill()
