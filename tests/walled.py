"""
Runs a piece of Python behind a wall, in a process of its own: walls never come down again.

A body assigns what it found to `found`, which must be JSON.  It sees the modules below, and
`attempt(action)`: "allowed", or the name of the error that the action met.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

SECONDS = 20.0  # for anything that should take milliseconds
NOBODY = 65534

# Everything is imported before the ids change: the interpreter may lie where only its owner reads.
PREAMBLE = """
import asyncio, concurrent.futures.thread, ctypes, encodings.idna, errno, fcntl, json, mmap, os
import resource, signal, socket, sqlite3, ssl, subprocess, tempfile, threading, time
from multiprocessing import get_context, pool
from pathlib import Path
from toolcell_worker import syscalls
from toolcell_worker.syscalls.door import call
from toolcell_worker.walls import bpf, descriptors, environment, landlock, privileges, rlimits
from toolcell_worker.walls import seccomp
from toolcell_worker.wire import CellGrant, Profile

found = None


def attempt(action):
    try:
        action()
    except OSError as exc:
        return errno.errorcode[exc.errno]
    return "allowed"


def grant(**limits):
    return CellGrant(**{
        "profile": Profile.COMPUTE, "cpu_seconds": 10.0,
        "memory_bytes": 2**29, "disk_bytes": 2**26, "file_size_bytes": 2**26,
        "result_bytes": 2**22, "processes": 32, "open_files": 256, "arguments_bytes": 2**20,
        **limits,
    })


def become(user):
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
"""
USERS = {"as_started": "", "as_nobody": f"become({NOBODY})\n"}


def run(*bodies: str, user: str = "as_started") -> Any:
    """
    What the bodies found, one after the other in one process.
    """
    ended = start(*bodies, user=user)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def start(*bodies: str, user: str = "as_started") -> subprocess.CompletedProcess[str]:
    """
    How a process ended that ran the bodies.
    """
    parts = [PREAMBLE, USERS[user], *map(textwrap.dedent, bodies), "print(json.dumps(found))\n"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        return subprocess.run(
            [sys.executable, "-I", "-c", "\n".join(parts)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": folder},
        )


def users() -> list[str]:
    """
    Whom a wall can be tried as: root may become anybody, anybody else only stays.
    """
    return list(USERS) if os.geteuid() == 0 else ["as_started"]
