"""
Stages of a call, timed where they happen: in the server, in a zygote, and in each of its cells.

Theory of operation.  A cell has no file, no descriptor and no way to say anything that is not a
frame, and what it costs is what we want to know.  So marks go to memory: a file, mapped and shared
before the first fork, of which each process has a region of its own.  Writing a mark is two looks
at the clock and a copy; both clocks can be read behind seccomp.  CLOCK_MONOTONIC is one for all
processes, so marks of all of them make one timeline.

The standard library only, and nothing of the benchmark's: this file is run inside of zygotes
(`profiled_server.py` adds it to their start).  What is wrapped is looked up by name; a name that is
gone is passed over, and its stage is missing from the table.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import mmap
import os
import struct
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECORD = struct.Struct("=qqq40s")  # began and ended, CPU taken, in ns; what
REGION = struct.Struct("=q")  # how many records follow
LARGE, SMALL = 100_000, 120  # records of a process that stays, and of a cell
CELLS = 6000
SMALL_BYTES = REGION.size + SMALL * RECORD.size
SIZE = REGION.size + LARGE * RECORD.size + CELLS * SMALL_BYTES + REGION.size


class Marks:
    """
    The marks of one family of processes.  `depth` is how many forks we are away from its first
    process: the outer zygote is 0, the inner 1, and a cell deeper.
    """

    def __init__(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(descriptor, SIZE)
        self._memory = mmap.mmap(descriptor, SIZE)
        os.close(descriptor)
        self._depth = 0
        self._at, self._room = 0, LARGE
        self._forking = 0

    def add(self, what: str, began: int, ended: int, cpu: int) -> None:
        """
        Note a stage.  What finds no room is not noted.
        """
        (count,) = REGION.unpack_from(self._memory, self._at)
        if count < self._room:
            where = self._at + REGION.size + count * RECORD.size
            RECORD.pack_into(self._memory, where, began, ended, cpu, what.encode()[:40])
            REGION.pack_into(self._memory, self._at, count + 1)

    @contextlib.contextmanager
    def stage(self, what: str) -> Iterator[None]:
        began, cpu = time.monotonic_ns(), time.thread_time_ns()
        try:
            yield
        finally:
            self.add(what, began, time.monotonic_ns(), time.thread_time_ns() - cpu)

    def follow_forks(self) -> None:
        """
        Each fork is a stage, and a child two forks away or more has a region of its own.
        """
        os.register_at_fork(
            before=self.before, after_in_parent=self.in_parent, after_in_child=self.in_child
        )

    def before(self) -> None:
        """
        A fork comes.
        """
        (made,) = REGION.unpack_from(self._memory, SIZE - REGION.size)
        REGION.pack_into(self._memory, SIZE - REGION.size, made + 1)
        self._made = made
        self._forking = time.monotonic_ns()

    def in_parent(self) -> None:
        """
        It was made.
        """
        self.add("fork", self._forking, time.monotonic_ns(), 0)

    def in_child(self) -> None:
        """
        We are the child.
        """
        self._depth += 1
        if self._depth > 1:
            number = self._made % CELLS
            self._at = REGION.size + LARGE * RECORD.size + number * SMALL_BYTES
            self._room = SMALL
            REGION.pack_into(self._memory, self._at, 0)  # a region is used again, of the oldest
            self.add("forked", self._forking, time.monotonic_ns(), 0)


def wrap(marks: Marks, name: str, label: str = "") -> bool:
    """
    Make a stage of a function, named `module:name` or `module:Class.name`.  Whether it is there.
    """
    module, _, path = name.partition(":")
    try:
        owner: Any = importlib.import_module(module)
        *outer, last = path.split(".")
        for each in outer:
            owner = getattr(owner, each)
        setattr(owner, last, _timed(marks, inspect.getattr_static(owner, last), label or path))
    except (ImportError, AttributeError):
        return False
    return True


def _timed(marks: Marks, function: Any, label: str) -> Any:
    if isinstance(function, classmethod | staticmethod):
        return type(function)(_timed(marks, function.__func__, label))
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*given: Any, **named: Any) -> Any:
            with marks.stage(label + _frame(given)):
                return await function(*given, **named)

        return later

    @functools.wraps(function)
    def now(*given: Any, **named: Any) -> Any:
        with marks.stage(label + _frame(given)):
            return function(*given, **named)

    return now


def _frame(given: tuple[Any, ...]) -> str:
    """
    Which frame it is about, if it is about one.
    """
    kinds = (each.name for each in given[1:2] if type(each).__name__ == "Frame")
    return "".join(f" {name}" for name in kinds)


def in_zygote(path: str) -> None:
    """
    Mark what a zygote and its cells do: called in the zygote, before anything of it is imported.
    """
    marks = Marks(path)
    from toolcell_worker import wire
    from toolcell_worker.walls import failure

    building: Callable[[str], contextlib.AbstractContextManager[None]] = failure.building

    @contextlib.contextmanager
    def marked(wall: str) -> Iterator[None]:
        with marks.stage(f"wall {wall}"), building(wall):
            yield

    failure.building = marked
    received = wire.receive

    def receive(*given: Any, **named: Any) -> Any:
        message = received(*given, **named)
        now = time.monotonic_ns()
        marks.add(f"received {_name(wire, message.kind)}", now, now, 0)
        return message

    wire.receive = receive
    for name in ("send", "send_json", "write"):
        wrap(marks, f"toolcell_worker.wire:{name}", "send")
    wrap(marks, "toolcell_worker.wire:Call.unpack", "received CALL")
    wrap(marks, "toolcell_worker.whole:WholeWalls.build", "every wall")
    wrap(marks, "toolcell_worker.cell:_rehearse", "rehearsal")
    for name in ("_spawn", "_tool_ended", "_init_ended", "_tell_reaped"):
        wrap(marks, f"toolcell_worker.spawning:Spawning.{name}", f"Spawning.{name}")
    for name in ("unshare", "setns"):
        wrap(marks, f"toolcell_worker.syscalls:{name}", name)
    marks.follow_forks()
    _follow_whole_cells(marks)


def _follow_whole_cells(marks: Marks) -> None:
    """
    Those are forked by the C library, without Python's hooks.
    """
    from toolcell_worker import cell, forking

    forks, lives = forking.Forking.whole, cell.wait_for_call

    def fork(*given: Any) -> Any:
        marks.before()
        born = forks(*given)
        marks.in_parent()
        return born

    def live(*given: Any) -> Any:
        marks.in_child()
        lives(*given)

    forking.Forking.whole = fork  # type: ignore[assignment, method-assign]
    cell.wait_for_call = live  # type: ignore[assignment]


def _name(wire: Any, kind: int) -> str:
    with contextlib.suppress(ValueError):
        return str(wire.Frame(kind).name)
    return str(kind)


def regions(data: bytes) -> Iterator[list[tuple[int, int, int, str]]]:
    """
    The records of each process, the one that stays first, then each cell's: (began, ended, CPU,
    what) in ns.
    """
    places = [0, *range(REGION.size + LARGE * RECORD.size, SIZE - REGION.size, SMALL_BYTES)]
    for at in places:
        (count,) = REGION.unpack_from(data, at)
        begin = at + REGION.size
        raw = data[begin : begin + count * RECORD.size]
        if raw:
            yield [
                (began, ended, cpu, what.rstrip(b"\0").decode())
                for began, ended, cpu, what in RECORD.iter_unpack(raw)
            ]
