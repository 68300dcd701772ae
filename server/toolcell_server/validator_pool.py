"""
Processes that check values against schemas, and are killed when they take too long.

Theory of operation.  A regular expression cannot be interrupted from inside its process, so the
schemas that could hang are checked outside.  A few long-lived processes, started at first need,
each answer one question at a time over a socket.  A question has a budget: when it is spent, the
process is killed and the next question starts another.  Two processes, so that one hostile caller
does not make every other caller wait out his budgets; who waits longer than `PATIENCE_SECONDS` for
a free one is told that there is no capacity.

A process that is not certainly idle is never used again: whatever ends a question early, a
cancelled task included, kills it, because its late answer would be read as the next one's.

Tried and dropped: a thread (the expression holds the interpreter's lock, 1.6 s seen), a process a
question (0.2 s to import), asyncio's subprocess (a thread a child on Python 3.11, to wait for it).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from toolcell_server.validator_process import ANSWER, READY, REQUEST

if TYPE_CHECKING:
    from toolcell_server.violations import Violation

BUDGET_SECONDS: Final = 1.0
BYTES_A_SECOND: Final = 4 * 2**20  # further budget for large values: sending and parsing
PATIENCE_SECONDS: Final = 5.0
START_SECONDS: Final = 15.0  # imports, on a loaded host
_PROCESSES: Final = 2
_PROGRAM: Final = (sys.executable, "-I", "-m", "toolcell_server.validator_process")


class TookTooLong(Exception):  # noqa: N818  # names what happened
    """
    Raised when a question spent its budget; its process is gone.
    """


class NoValidator(Exception):  # noqa: N818  # names what happened
    """
    Raised when no process came free in time, or none could be started.
    """


class ValidatorPool:
    """
    Answers "what does this value violate?"  Used within one event loop; `aclose` ends it.
    """

    def __init__(
        self, budget_seconds: float = BUDGET_SECONDS, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._budget_seconds = budget_seconds
        self._patience_seconds = patience_seconds
        self._free = asyncio.Semaphore(_PROCESSES)
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._closed = False

    async def find(self, schema: bytes, value: bytes, depth: int) -> list[Violation]:
        """
        What the value violates.

        Raises:
            NoValidator: none came free in time, or none could be started.
            TookTooLong: the budget is spent.
        """
        try:
            await asyncio.wait_for(self._free.acquire(), self._patience_seconds)
        except TimeoutError:
            raise NoValidator("all validators are busy") from None
        try:
            return await self._ask(schema, value, depth)
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """
        End every process and wait until they are gone.
        """
        self._closed = True
        for process in self._all:
            process.kill()  # whoever waits for its answer reads the end of it, and gives up
        for _ in range(_PROCESSES):
            await self._free.acquire()
        for process in list(self._all):
            await self._bury(process)
        self._idle.clear()
        for _ in range(_PROCESSES):
            self._free.release()  # whoever comes now is told that it is over, at once

    async def _ask(self, schema: bytes, value: bytes, depth: int) -> list[Violation]:
        if self._closed:
            raise NoValidator("the server is shutting down")
        process = self._idle.pop() if self._idle else await self._start()
        budget = self._budget_seconds + len(value) / BYTES_A_SECOND
        try:
            answer = await asyncio.wait_for(process.find(schema, value, depth), budget)
        except (TimeoutError, OSError, EOFError):
            await self._bury(process)
            raise TookTooLong(f"checking took longer than {budget:.1f} s") from None
        except BaseException:
            process.kill()  # buried by the next start, or by `aclose`
            raise
        self._idle.append(process)
        return answer

    async def _start(self) -> _Process:
        for killed in [process for process in self._all if process.killed]:
            await self._bury(killed)
        try:
            process = _Process()
        except OSError as exc:
            raise NoValidator("a validator cannot be started") from exc
        self._all.add(process)
        try:
            await asyncio.wait_for(process.ready(), START_SECONDS)
        except (TimeoutError, OSError, EOFError) as exc:
            await self._bury(process)
            raise NoValidator("a validator did not start") from exc
        except BaseException:
            process.kill()
            raise
        return process

    async def _bury(self, process: _Process) -> None:
        process.kill()
        await process.close()
        self._all.discard(process)


class _Process:
    """
    One process and the socket to it.
    """

    def __init__(self) -> None:
        self.killed = False
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        with contextlib.ExitStack() as on_error, theirs:
            on_error.callback(self._channel.close)
            self._process = subprocess.Popen(
                _PROGRAM,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},  # it inherits no secret
                start_new_session=True,  # a terminal's Ctrl-C is for the server
            )
            on_error.pop_all()

    async def ready(self) -> None:
        await self._receive(len(READY))

    async def find(self, schema: bytes, value: bytes, depth: int) -> list[Violation]:
        loop = asyncio.get_running_loop()
        header = REQUEST.pack(len(schema), len(value), depth)
        await loop.sock_sendall(self._channel, header + schema + value)
        (length,) = ANSWER.unpack(await self._receive(ANSWER.size))
        return [(at, text) for at, text in json.loads(await self._receive(length))]

    def kill(self) -> None:
        self.killed = True
        self._process.kill()

    async def close(self) -> None:
        """
        Wait for the end of a killed process.  Nobody may be waiting for its answer any more.
        """
        self._channel.close()
        await asyncio.to_thread(self._process.wait)

    async def _receive(self, length: int) -> bytes:
        loop = asyncio.get_running_loop()
        received = bytearray()
        while len(received) < length:
            part = await loop.sock_recv(self._channel, length - len(received))
            if not part:
                raise EOFError
            received += part
        return bytes(received)
