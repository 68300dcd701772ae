"""
What the tests of the server's channel stand on.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from piping import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def peers() -> Iterator[tuple[socket.socket, socket.socket]]:
    """
    An end for the channel under test, and the raw end of its peer.
    """
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def spare() -> Iterator[int]:
    """
    A descriptor to send about.
    """
    descriptor = os.open("/dev/null", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    one = Pipe()
    yield one
    os.close(one.reading)
