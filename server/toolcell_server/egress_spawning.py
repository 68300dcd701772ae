"""
Starts the program of the egress.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Final

from toolcell_server.channel import Channel

# It inherits no secret.  Empty, LOCALDOMAIN takes the place of the host's search list
# (resolv.conf(5)): a granted name must not be tried again below a domain that was never granted.
# Pieces of bodies are larger than what malloc keeps by default (mallopt(3)): each would be mapped,
# zeroed and unmapped.  Measured: 1 GB through the gate for 0.3 s of processor time instead of 1.6.
ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "LOCALDOMAIN": "",
    "MALLOC_MMAP_THRESHOLD_": str(2**20),
    "MALLOC_TRIM_THRESHOLD_": str(2**24),
}
_PROGRAM: Final = (sys.executable, "-I", "-m", "toolcell_server.egress")


def spawn() -> tuple[subprocess.Popen[bytes], Channel]:
    """
    The process, and our end of its socket.

    Raises:
        OSError: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [*_PROGRAM, str(theirs.fileno())],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # a terminal's Ctrl-C is for the server
            )
        except OSError:
            ours.close()
            raise
    return process, Channel(ours)
