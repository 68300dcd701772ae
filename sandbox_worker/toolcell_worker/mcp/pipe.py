"""
The two pipes to a program that speaks lines of JSON.

Theory of operation.  The program is hostile and alone with us in the cell; what it can do to us is
to say too much, to say nothing, or to leave somebody behind who holds its pipe.  So a line and all
lines together are bounded, what we write never waits for it to read while it waits for us to, and
when it has ended nobody waits for the end of its output.  For how long it may say nothing is not
our business: the wall clock is the server's.

What it writes on its standard error is the cell's, and streams as that of any tool.
"""

from __future__ import annotations

import os
import select
import subprocess
from typing import TYPE_CHECKING, Any, Self

import msgspec

from toolcell_worker import command
from toolcell_worker.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK_BYTES = 64 * 1024
LINGERING_MILLISECONDS = 50  # how often to look whether it has ended and left its pipe open
ENDING_SECONDS = 0.5  # arbitrary; for what it does when its input ends
NOISE = 100  # lines that are no messages: many a program greets on its standard output
TIMES = 4  # all that it says, in longest lines
HINT = "The tool itself is at fault: do not repeat the call, tell its operator."
SPOKEN = "The tool's server failed."


def fault(message: str, code: str) -> ToolError:
    """
    A fault of the server.
    """
    return ToolError(message, code, hint=HINT, spoken=SPOKEN)


class Pipe:
    """
    A running program.  A context manager: it is ended on leaving.
    """

    def __init__(self, argv: Sequence[str], longest: int) -> None:
        self._longest = longest
        self._said = 0
        self._noise = 0
        self._incoming = bytearray()
        self._outgoing = bytearray()
        try:
            self._process = subprocess.Popen(
                list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except FileNotFoundError:
            raise command.not_started(argv[0]) from None
        assert self._process.stdin
        assert self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._input.fileno(), False)
        os.set_blocking(self._output.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def send(self, message: dict[str, Any]) -> None:
        """
        Have a message written, while answers are waited for.
        """
        self._outgoing += msgspec.json.encode(message) + b"\n"

    def receive(self) -> dict[str, Any]:
        """
        The next message.

        Raises:
            ToolError: it has ended, or says what no server may.
        """
        while True:
            line = self._line()
            if not line.strip():
                continue
            try:
                message = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError):
                message = None
            if isinstance(message, dict):
                return message
            self._noise += 1
            if self._noise > NOISE:
                raise fault("the MCP server writes other things than messages", "MCP_MALFORMED")

    def _line(self) -> bytes:
        searched = 0
        while (end := self._incoming.find(b"\n", searched)) < 0:
            searched = len(self._incoming)
            if searched > self._longest:
                raise fault(
                    f"a message of the MCP server has more than {self._longest} bytes",
                    "MCP_TOO_LONG",
                )
            self._move()
        line = bytes(self._incoming[:end])
        del self._incoming[: end + 1]
        return line

    def _move(self) -> None:
        """
        Write what can be written, and read what can be read; wait for either.
        """
        poller = select.poll()
        poller.register(self._output.fileno(), select.POLLIN)
        if self._outgoing:
            poller.register(self._input.fileno(), select.POLLOUT)
        ended = self._process.poll() is not None
        ready = dict(poller.poll(0 if ended else LINGERING_MILLISECONDS))
        if self._input.fileno() in ready:
            self._write()
        if self._output.fileno() in ready:
            self._read()
        elif ended:
            raise self._ended()

    def _write(self) -> None:
        try:
            written = os.write(self._input.fileno(), self._outgoing[:CHUNK_BYTES])
        except BrokenPipeError:
            self._outgoing.clear()  # its output says the rest
        else:
            del self._outgoing[:written]

    def _read(self) -> None:
        chunk = os.read(self._output.fileno(), CHUNK_BYTES)
        if not chunk:
            raise self._ended()
        self._said += len(chunk)
        if self._said > TIMES * self._longest:
            raise fault("the MCP server says more than a call may cost", "MCP_TOO_LONG")
        self._incoming += chunk

    def _ended(self) -> ToolError:
        try:
            code: int | None = self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        how = "closed its output" if code is None else f"ended with code {code}"
        return fault(
            f"the MCP server {how} before it answered; see its standard error", "MCP_ENDED"
        )
