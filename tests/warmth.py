"""
Whole cells of a zygote that has no server, several at a time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cells import Ended, Ends, ZygoteAlone, call_of, cell_grant, drain
from processes import descendants
from toolcell_server import program
from toolcell_worker import wire
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

SPARES = 2  # which have an init each, beside those of rooms


@dataclass
class Warm:
    """
    A whole cell that waits for its call.  `pid` is the host's of the tool's process.
    """

    number: int
    ends: Ends
    pid: int
    resources: contextlib.ExitStack

    def ready(self) -> None:
        """
        Wait until every wall is up.
        """
        message = wire.receive(self.ends.channel)
        while message.kind == Frame.LISTENER:
            message = wire.receive(self.ends.channel)
        assert message.kind == Frame.BUILT, message

    def call(self, tool: str, arguments: dict[str, Any] | None = None) -> None:
        wire.send(self.ends.channel, Frame.CALL, call_of(tool, arguments).pack())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


@dataclass
class Warmth:
    """
    A zygote and its whole cells.
    """

    zygote: ZygoteAlone
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    statuses: dict[int, int] = field(default_factory=dict)  # wait statuses, by number

    def make(self, slot: int | None = None, **grant: Any) -> Warm:
        """
        A cell, which may still be building its walls.
        """
        number = next(self.numbers)
        message, ends, resources = self.spawn(number, slot, cell_grant(**grant).pack())
        assert message.kind == Frame.SPAWNED, message
        for pidfd in message.descriptors:
            resources.callback(os.close, pidfd)
        pid = program.host_pid(message.descriptors[-1])
        return Warm(number, ends, pid, resources)

    def spawn(
        self, number: int, slot: int | None, packed: bytes
    ) -> tuple[wire.Message, Ends, contextlib.ExitStack]:
        """
        What the zygote answers, and our ends.
        """
        resources = contextlib.ExitStack()
        ends = Ends(resources)
        spawn = wire.SPAWNING.pack(number, number if slot is None else slot) + packed
        wire.send(self.zygote.control, Frame.SPAWN, spawn, ends.theirs)
        ends.close_theirs()
        while (message := wire.receive(self.zygote.control)).kind == Frame.REAPED:
            self._note(message)
        return message, ends, resources

    def end(self, cell: Warm) -> Ended:
        """
        What the cell says to its end.
        """
        ended = Ended(frames=list(drain(cell.ends.channel)))
        while cell.number not in self.statuses:
            self._note(wire.receive(self.zygote.control))
        ended.wait_status = self.statuses.pop(cell.number)
        ended.stdout, ended.stderr = cell.ends.output()
        cell.resources.close()
        return ended

    def run(self, code: str, **grant: Any) -> Ended:
        """
        One whole cell from its making to its end.
        """
        cell = self.make(**grant)
        cell.call("run_code", {"code": code})
        return self.end(cell)

    def value(self, code: str, **grant: Any) -> Any:
        return self.run(code, **grant).payload(Frame.RESULT)

    def inits(self) -> list[int]:
        """
        Process 1 of each pid namespace below the zygote's, the dead that nobody waited for too.
        """
        parent = descendants(self.zygote.process.pid)[0]
        return [pid for pid in descendants(parent) if inner_pid(pid) == 1]

    def _note(self, message: wire.Message) -> None:
        assert message.kind == Frame.REAPED, message
        number, status, *_ = wire.REAPING.unpack(message.payload)
        self.statuses[number] = status


def inner_pid(pid: int) -> int:
    """
    What a process is in its own pid namespace; 0 if it is gone.
    """
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[-1]) for line in lines if line.startswith("NSpid:"))
    return 0


def is_tool(pid: int) -> bool:
    """
    Whether it is the tool's process of a cell that has all of its walls.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "\nSeccomp:\t2\n" in status and inner_pid(pid) > 1
