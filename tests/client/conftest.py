"""
A fake server for each test: real gRPC over a loopback socket.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from toolcell_client import Client
from toolcell_client.testing import FakeServer, Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_line import Toolcell

settings.register_profile("client", deadline=None)  # whoever else uses the processor
settings.load_profile("client")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with Client(server.target) as client:
        yield client


@pytest.fixture
def relay(server: FakeServer) -> Iterator[Relay]:
    with Relay(server.target) as relay:
        yield relay


@pytest.fixture
def toolcell(server: FakeServer) -> Toolcell:
    """
    Runs the command line as a program, its output piped.
    """

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "toolcell_client.cli", *arguments],
            env=os.environ | {"TOOLCELL_TARGET": server.target},
            capture_output=True,
            timeout=30,
            check=False,
            **options,
        )

    return run
