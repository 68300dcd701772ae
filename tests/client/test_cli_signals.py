"""
What the command line does when it is interrupted or nobody reads it.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from toolcell_client.testing import (
    HOLD,
    stdout,
)

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

TOOLCELL = [sys.executable, "-m", "toolcell_client.cli"]
Toolcell = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
@pytest.mark.parametrize("command", ["call", "watch"])
def test_a_signal_cancels_a_call_and_leaves_what_is_watched(
    server: FakeServer, toolcell: Toolcell, number: signal.Signals, code: int, command: str
) -> None:
    """
    Whoever interrupts a call wants the tool to end, at once and not after a grace period.
    """
    server.tool("held", stdout(b"hello\n"), HOLD)
    words = ["call", "held"]
    if command != "call":
        toolcell("call", "held", "--detach")
        words = ["watch", next(iter(server.executions))]
    running = subprocess.Popen(
        [*TOOLCELL, *words, "--target", server.target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stderr is not None
    assert running.stderr.readline() == b"hello\n"

    running.send_signal(number)
    _, said = running.communicate(timeout=20)

    assert running.returncode == code
    assert b"Traceback" not in said
    assert server.cancels == (list(server.executions) if command == "call" else [])


@pytest.mark.parametrize("method", ["run", "execute"])
def test_ctrl_c_in_a_program_of_ones_own_cancels_the_execution(
    server: FakeServer, method: str
) -> None:
    """
    The library does it, not the command line.
    """
    server.tool("held", HOLD)
    call = "client.run('held')" if method == "run" else "client.execute('held').result()"
    program = f"from toolcell_client import Client\nclient = Client({server.target!r})\n{call}\n"
    running = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    server.wait_for(lambda: bool(server.executions))

    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)

    assert b"KeyboardInterrupt" in said
    assert server.cancels == list(server.executions)


def test_a_closed_pipe_is_not_an_error_message(server: FakeServer) -> None:
    """
    `toolcell call --json … | head -1` is a thing people do; the execution is cancelled.
    """
    events = [stdout(b"x" * 60_000) for _ in range(20)]
    server.tool("chatty", *events, HOLD)
    running = subprocess.Popen(
        [*TOOLCELL, "call", "chatty", "--json", "--target", server.target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.readline()
    running.stdout.close()

    said = running.stderr.read()
    running.stderr.close()

    assert (running.wait(20), said) == (141, b"")
    assert server.cancels == list(server.executions)


def test_a_server_that_is_none_is_said_to_be_unreachable() -> None:
    """
    Some other program listens there: a common slip, which must neither hang nor print a traceback.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        running = subprocess.Popen(
            [*TOOLCELL, "tools", "list", "--target", target],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SSH-2.0-none\r\n")
            connection.shutdown(socket.SHUT_RDWR)
        listener.close()
        _, said = running.communicate(timeout=30)

    assert running.returncode in (3, 124)
    assert b"Traceback" not in said
