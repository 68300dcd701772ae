"""
Cells of a real zygote, looked at from outside: which namespaces they are in.

What a cell does not show by any effect of its own, because another wall hides it, shows here.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cells import Ends, ZygoteAlone, cell_grant
from toolcell_server import program
from toolcell_worker import wire
from toolcell_worker.wire import Frame
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = str(Path(__file__).parent / "bundle")


@pytest.fixture(scope="module", params=[False, True], ids=["spare", "whole"])
def cell(request: pytest.FixtureRequest) -> Iterator[int]:
    """
    The pid of a cell that waits for its grant, or of a whole one that waits for its call: into that
    we may not look as a user.
    """
    if request.param and os.geteuid() != 0:
        pytest.skip("only root may look into a process that has all of its walls")
    zygote = ZygoteAlone(BUNDLE)
    with contextlib.ExitStack() as resources:
        resources.callback(zygote.close)
        ours = Ends(resources)
        spawn = wire.SPAWNING.pack(1, 0) + (cell_grant().pack() if request.param else b"")
        wire.send(zygote.control, Frame.SPAWN, spawn, ours.theirs)
        ours.close_theirs()
        spawned = wire.receive(zygote.control)
        for pidfd in spawned.descriptors:
            resources.callback(os.close, pidfd)
        yield program.host_pid(spawned.descriptors[-1])


@pytest.mark.parametrize("kind", ["mnt", "pid", "net", "ipc", "uts", "user"])
def test_a_cell_shares_no_namespace_with_the_service(cell: int, kind: str) -> None:
    """
    That sockets and System V objects are refused as well must not hide that a namespace is missing.
    """
    wait_until(lambda: _number(cell, kind) != _number(os.getpid(), kind), seconds=5.0)


def _number(pid: int, kind: str) -> int:
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
