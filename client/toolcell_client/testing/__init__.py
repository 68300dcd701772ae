r"""
For tests of code that calls tools: a real gRPC server on a loopback port, whose tools are scripts.

    with FakeServer() as server, Client(server.target) as client:
        server.tool("echo", stdout(b"hello\\n"), completed({"said": "hello"}))
        assert client.run("echo").value == {"said": "hello"}
"""

from toolcell_client.testing.relay import Relay
from toolcell_client.testing.script import (
    HOLD,
    cancelled,
    completed,
    exceeded,
    failed,
    lost,
    progress,
    stderr,
    stdout,
    violated,
)
from toolcell_client.testing.server import FakeServer

__all__ = [
    "HOLD",
    "FakeServer",
    "Relay",
    "cancelled",
    "completed",
    "exceeded",
    "failed",
    "lost",
    "progress",
    "stderr",
    "stdout",
    "violated",
]
