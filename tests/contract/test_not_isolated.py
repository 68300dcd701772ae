"""
A host on which no cell can be built.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Enters a user namespace that has ids to spare and may have no user namespace below it, as a host
# may be set up; then becomes the server.
POORER_HOST = """
import os, sys
from toolcell_worker import syscalls
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.read(ready[0], 1)
    for kind in ("uid", "gid"):
        with open(f"/proc/{os.getppid()}/{kind}_map", "w") as file:
            file.write("0 0 1\\n1000 100000 65536\\n")
    os.write(go[1], b"g")
    os._exit(0)
syscalls.unshare(syscalls.CLONE_NEWUSER)
os.write(ready[1], b"r")
os.read(go[0], 1)
with open("/proc/sys/user/max_user_namespaces", "w") as file:
    file.write(sys.argv[1])
os.execv(sys.executable, [sys.executable, "-m", "toolcell_server", *sys.argv[2:]])
"""


def start(namespaces: str) -> subprocess.Popen[str]:
    arguments = ["--listen", "127.0.0.1:0", "--metrics-listen", ""]
    return subprocess.Popen(
        [sys.executable, "-c", POORER_HOST, namespaces, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can map ids for a poorer host")
def test_a_service_that_can_build_no_cell_does_not_start() -> None:
    """
    One that listens and refuses every call looks alive to whoever watches it.
    """
    with start("0") as refusing:
        output, errors = refusing.communicate(timeout=60)

    assert refusing.returncode == 2
    assert output == ""
    last = errors.splitlines()[-1]
    # Without namespaces cells are weaker than the floor; where even their runtime lies where only
    # root may read, there are none.
    assert "cannot be isolated on this host: " in last
    assert "Traceback" not in errors


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can map ids for a poorer host")
def test_the_same_host_with_user_namespaces_serves() -> None:
    """
    The positive control: nothing else about that host is in the way.
    """
    with start("1000") as serving:
        assert serving.stdout is not None
        line = serving.stdout.readline()
        serving.terminate()
        _, errors = serving.communicate(timeout=60)

    assert "listening" in line, errors
    assert serving.returncode == 0
