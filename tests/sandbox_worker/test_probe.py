"""
The trial of a proxied cell's network: it must be able to fail.
"""

from __future__ import annotations

import pytest
from toolcell_worker.walls import landlock
from walled import run, users

try:
    ABI = landlock.abi()
except OSError:
    ABI = 0
pytestmark = pytest.mark.skipif(ABI < landlock.ABI_NETWORK, reason="ports need Landlock's ABI 4")

PORTS = """
from toolcell_worker import probe
servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
proxy, other = (server.getsockname()[1] for server in servers)
syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
"""
RULE = "landlock.restrict([], ports=[proxy])\n"
FILTER = "seccomp.load(seccomp.program(Profile.NET, network=True, own_pid=os.getpid()))\n"
# The filter of a cell that has a network of its own.
WIDER = "seccomp.load(seccomp.program(Profile.NET, network=True))\n"
TRY = "found = probe._proxied(proxy, other)"
FOUND = {
    "both walls": (RULE + FILTER, ""),
    "no wall": ("", "another port could be connected to"),
    "the filter alone": (FILTER, "another port could be connected to"),
    "the rule alone": (RULE, "another port could be reached by fast open"),
    "a filter with datagrams": (RULE + WIDER, "datagrams could be sent"),
}


@pytest.mark.parametrize("user", users())
@pytest.mark.parametrize(("walls", "expected"), FOUND.values(), ids=FOUND)
def test_each_wall_that_is_missing_is_found(user: str, walls: str, expected: str) -> None:
    """
    Either alone leaves a way.
    """
    assert expected == run(PORTS, walls, TRY, user=user)
