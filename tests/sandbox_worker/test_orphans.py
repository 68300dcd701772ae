"""
A cell without namespaces, whose zygote has died before the cell was bound to it.
"""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING

import pytest
from toolcell_worker import cell
from toolcell_worker.start import Make
from toolcell_worker.surroundings import Surroundings
from toolcell_worker.template import Template
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 5.0  # arbitrary; it ends within milliseconds


@pytest.fixture
def handoff() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def around(zygote: int) -> Surroundings:
    return Surroundings(
        make=Make(namespaces=False),
        identity=None,
        template=Template((), ()),
        zygote=zygote,
        groups=-1,
        proc=-1,
        outside={},
        baseline_bytes=0,
        observed=False,
        init_program=b"",
        perform=lambda *_: 0,
    )


def test_an_orphan_does_not_wait_for_a_grant(
    handoff: tuple[socket.socket, socket.socket],
) -> None:
    """
    It holds both ends of its handoff, so it would never hear that nobody is left to send one.
    """
    child = os.fork()
    if child == 0:
        cell.wait_for_grant(
            socket.socket(), handoff[1], around(zygote=os.getpid())
        )  # which is not its parent
    ended = os.pidfd_open(child)
    try:
        assert select.select([ended], [], [], SECONDS * PATIENCE)[0], "it waits"
    finally:
        os.kill(child, 9)
        os.close(ended)
        _, status = os.waitpid(child, 0)

    assert cell.SETUP_FAILED_EXIT == os.waitstatus_to_exitcode(status)


def test_a_cell_whose_zygote_lives_waits(handoff: tuple[socket.socket, socket.socket]) -> None:
    """
    The control: it is the zygote's death that ended the other.
    """
    zygote = os.getpid()
    child = os.fork()
    if child == 0:
        handoff[0].close()
        cell.wait_for_grant(socket.socket(), handoff[1], around(zygote=zygote))
    handoff[1].close()
    ended = os.pidfd_open(child)
    try:
        handoff[0].settimeout(SECONDS)
        assert not select.select([ended], [], [], 0.2)[0], "it did not wait"
        handoff[0].close()
        assert select.select([ended], [], [], SECONDS * PATIENCE)[0]
    finally:
        os.kill(child, 9)
        os.close(ended)
        os.waitpid(child, 0)
