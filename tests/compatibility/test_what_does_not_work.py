"""
What docs/compatibility.md says does not work in a cell: each fails there, and works outside.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_server import start_server
from toolcell_client import Client

from compatibility.running import settings
from compatibility.workload import Bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBES = Bundle("probes", Path(__file__).parents[1] / "sandbox_worker" / "bundle")
FILE = "import os, tempfile; path = tempfile.mkdtemp(dir='/tmp') + '/file'\n"
ATTEMPTS = {
    "/proc": "open('/proc/self/status').read()",
    "/dev/fd": "import os; os.listdir('/dev/fd')",
    "process substitution": (
        "import subprocess; subprocess.run(['bash', '-c', 'cat <(true)'], check=True)"
    ),
    "a pseudo-terminal": "import os; os.openpty()",
    "a fifo": FILE + "os.mkfifo(path)",
    "a program in /tmp": (
        FILE + "open(path, 'w').write('#!/bin/sh'); os.chmod(path, 0o700)\n"
        "import subprocess; subprocess.run([path], check=True)"
    ),
    "a library in /tmp": (
        FILE + "import ctypes, shutil; shutil.copy(ctypes.CDLL('libm.so.6') and LIBRARY, path)\n"
        "ctypes.CDLL(path)"
    ),
    "giving a file to oneself": (
        FILE + "open(path, 'w').close(); os.chown(path, os.getuid(), os.getgid())"
    ),
    "lower limits": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    "memfd_create": "import os; os.memfd_create('name')",
    "inotify": (
        "import ctypes, os; library = ctypes.CDLL(None, use_errno=True)\n"
        "assert library.inotify_init1(0) >= 0, os.strerror(ctypes.get_errno())"
    ),
    "a pair of datagram sockets": (
        "import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)"
    ),
    "a unix socket": "import socket; socket.socket(socket.AF_UNIX)",
    "multiprocessing's forkserver": (
        "import math, multiprocessing\n"
        "with multiprocessing.get_context('forkserver').Pool(1) as pool: pool.map(math.sqrt, [4])"
    ),
    "200 threads": (
        "import threading; over = threading.Event()\n"
        "threads = [threading.Thread(target=over.wait, daemon=True) for _ in range(200)]\n"
        "try:\n    for thread in threads: thread.start()\n"
        "finally: over.set()"
    ),
}
LIBRARY = "__import__('_ctypes').__file__"
CODES = {name: code.replace("LIBRARY", LIBRARY) for name, code in ATTEMPTS.items()}
WORKED = "\nprint('it works')"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("server")
    with start_server(folder, settings([PROBES])) as server, Client(server.target) as client:
        yield client


@pytest.mark.parametrize("name", CODES)
def test_it_does_not_work_in_a_cell_as_the_page_says(name: str, client: Client) -> None:
    """
    A line of the page that is no longer true should go.
    """
    outside = subprocess.run(
        [sys.executable, "-c", CODES[name] + WORKED], capture_output=True, text=True, check=False
    )
    inside = client.run("run_code_with_programs", {"code": CODES[name] + WORKED})

    assert "it works\n" == outside.stdout, outside.stderr
    assert (False, b"") == (inside.ok, inside.stdout)
    assert inside.kind in {"failed", "exceeded"}
