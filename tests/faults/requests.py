"""
One request to a real keeper, call by call.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cells import SECONDS, start
from toolcell_server import host_ids
from toolcell_worker import wire
from toolcell_worker.wire import Frame

from faults.tracing import Tracer

if TYPE_CHECKING:
    from pathlib import Path

KEEPER = "keeper"


@dataclass
class Answered:
    """
    What a keeper made of a request: the calls it made, its answer, and the flags of the mount
    of each descriptor that it gave.
    """

    calls: list[tuple[str, str]] = field(default_factory=list)
    met: bool = False
    answer: Any = None
    trees: list[int] = field(default_factory=list)


@dataclass
class Request:
    """
    Watches a keeper over one request, and what it forks for it.
    """

    keeper: int
    fault: tuple[str, str, int, int] | None
    answered: Answered = field(default_factory=Answered)
    begun: bool = False

    def born(self, tracer: Tracer, pid: int, parent: int) -> bool:
        return True

    def ended(self, tracer: Tracer, pid: int) -> None:
        """
        Nobody waits for it.
        """

    def entered(self, tracer: Tracer, pid: int, name: str, arguments: tuple[int, ...]) -> int:
        call = (KEEPER if pid == self.keeper else "holder", name)
        if call == (KEEPER, "recvmsg"):
            if self.begun:  # it waits for the next request, and whoever is left waits for nothing
                tracer.release(pid)
                for other in tracer.calls.keys() - {pid}:
                    os.kill(other, signal.SIGKILL)
            self.begun = True
            return 0
        if not self.begun:
            return 0
        self.answered.calls.append(call)
        if self.fault is None or call != self.fault[:2]:
            return 0
        if self.answered.calls.count(call) != self.fault[2]:
            return 0
        self.answered.met = True
        return self.fault[3]


class TracedKeeper:
    """
    A keeper; another one once it has died of a fault.
    """

    def __init__(self) -> None:
        self._start()

    def ask(
        self,
        kind: Frame,
        request: dict[str, Any],
        staged: Path | None = None,
        fault: tuple[str, str, int, int] | None = None,
    ) -> Answered:
        """
        What it answers; the fault names a process, a call, which one of them, the error.
        """
        if self._process.poll() is not None:
            self.close()
            self._start()
        watcher = Request(self._process.pid, fault)
        tracer = Tracer(watcher)
        tracer.seize(self._process.pid, calls=True)
        with contextlib.ExitStack() as resources:
            given = []
            if staged is not None:
                given.append(os.open(staged, os.O_RDONLY))
                resources.callback(os.close, given[0])
            wire.send_json(self._channel, kind, request, tuple(given))
        tracer.follow()
        try:
            message = wire.receive(self._channel)
        except (wire.PeerClosed, ConnectionResetError):
            self._process.wait(SECONDS)
            return watcher.answered
        watcher.answered.answer = message.json()
        for tree in message.descriptors:
            watcher.answered.trees.append(os.fstatvfs(tree).f_flag)
            os.close(tree)
        return watcher.answered

    def close(self) -> None:
        """
        End it.
        """
        self._channel.close()
        self._process.kill()
        self._process.wait(SECONDS)

    def _start(self) -> None:
        ids = host_ids.spare_ids()
        identity = {"first": ids[0], "count": ids[1]} if ids else None
        self._process, self._channel = start(KEEPER, {"identity": identity})
        assert wire.receive(self._channel).kind == Frame.ANSWER
