"""
The set-up of one real cell, call by call: which system calls there are, and what comes of a cell
for which one of them fails.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cells import SECONDS, Ends, cell_grant, start
from processes import descendants
from toolcell_server import host_ids, program
from toolcell_worker import wire
from toolcell_worker.wire import Access, Frame, Mount

from faults.answering import Answering
from faults.interpreters import WITHOUT_IDLE_ROOMS, WITHOUT_SPARES, interpreter
from faults.made import INIT, ROLES, SPARE, TOOL, WHOLE, Fault, Made
from faults.moments import CHANNEL
from faults.portraits import portrait
from faults.tracing import Tracer

if TYPE_CHECKING:
    import subprocess

BUNDLE = str(Path(__file__).parent.parent / "sandbox_worker" / "bundle")
WAITING = ("wait4", "rt_sigtimedwait")  # what an init does when its set-up is over


@dataclass
class SetUp:
    """
    Watches the two processes of a cell until it is ready: until its arguments are to be read.
    """

    zygote: int
    fault: Fault | None
    made: Made = field(default_factory=Made)
    roles: dict[int, str] = field(default_factory=dict)
    ready: bool = False

    def born(self, tracer: Tracer, pid: int, parent: int) -> bool:
        if parent != self.zygote:
            return False
        self.roles[pid] = ROLES[len(self.roles)]
        if len(self.roles) == len(ROLES):
            tracer.release(self.zygote)
        return True

    def entered(self, tracer: Tracer, pid: int, name: str, arguments: tuple[int, ...]) -> int:
        role = self.roles[pid]
        if role == INIT and name in WAITING:
            self._look(tracer, pid, role)
        waits = name == "read" and arguments[0] == CHANNEL
        if role == TOOL and waits and (TOOL, "seccomp") in self.made.calls:
            self._look(tracer, pid, role)
            return 0
        self.made.calls.append((role, name))
        if self.fault is None or (role, name) != (self.fault.role, self.fault.name):
            return 0
        if self.fault.number not in (0, self.made.calls.count((role, name))):
            return 0
        self.made.met = True
        return self.fault.error

    def ended(self, tracer: Tracer, pid: int) -> None:
        tracer.free()  # nobody need wait for it any longer

    def _look(self, tracer: Tracer, pid: int, role: str) -> None:
        """
        Its set-up is over.  A tool that ended before its init is as far would take it along.
        """
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # killed where it stood
            self.made.portraits.setdefault(role, portrait(pid, self.zygote))
        tracer.calls[pid] = False
        self.ready = self.ready or role == TOOL
        if INIT not in self.made.portraits:
            tracer.hold(pid)
        else:
            tracer.free()


def plant(folder: Path) -> Path:
    """
    An operator's root with something to be granted in every way, and the canary: `kept`, a folder
    that a tool may write.
    """
    root = folder / "root"
    (root / "kept").mkdir(parents=True)
    (root / "read").write_text("granted")
    (root / "staged").write_text("old")
    return root


class Foundry:
    """
    A zygote without spares and a keeper: they make one cell at a time, with grants of every kind,
    and whole ones.
    `change` is one more line for the interpreter of the zygote.
    """

    def __init__(self, folder: Path, change: str = "pass") -> None:
        ids = host_ids.spare_ids()
        self._identity = {"first": ids[0], "count": ids[1]} if ids else None
        self._ended = contextlib.ExitStack()
        self._number = 0
        self.root = plant(folder)
        python = interpreter(folder, f"{WITHOUT_SPARES}; {WITHOUT_IDLE_ROOMS}; {change}")
        self.control, theirs = socket.socketpair()
        self.control.settimeout(SECONDS)
        with theirs:
            self.process = program.spawn("zygote", theirs.fileno(), python)
        self._end_with(self.process, self.control)

    def start(self, tracer: Tracer | None = None) -> wire.Message:
        """
        Start it, and a keeper if it can serve; what it said.  `tracer` follows its set-up.
        """
        if tracer:
            tracer.seize(self.process.pid, calls=True)
        roots = [str(self.root)]
        told = {"bundle": "test", "path": BUNDLE, "roots": roots, "identity": self._identity}
        wire.send_json(self.control, Frame.START, {**told, "observed": True})
        if tracer:
            tracer.follow()
        said = wire.receive(self.control)
        if said.kind == Frame.CATALOGUE:
            self.zygote = descendants(self.process.pid)[0]
            keeper, self._asking = start("keeper", {"identity": self._identity})
            self._end_with(keeper, self._asking)
            assert wire.receive(self._asking).kind == Frame.ANSWER
        return said

    def _end_with(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self._ended.callback(process.wait, SECONDS)
        self._ended.callback(_kill, process.pid)
        self._ended.callback(channel.close)

    def make(self, fault: Fault | None = None, *, traced: bool = True, life: str = SPARE) -> Made:
        """
        One cell, in which the probe runs, from its fork to its end.
        """
        self._number += 1
        watcher = SetUp(self.zygote, fault)
        tracer = Tracer(watcher)
        if traced:
            tracer.seize(self.zygote, calls=False)
        with contextlib.ExitStack() as resources:
            ours = Ends(resources)
            self._ask(ours, life, resources)
            with Answering(ours.channel) as answering:
                tracer.follow()
                answer = wire.receive(self.control)
            watcher.made.frames = [answer, *answering.frames]
            for descriptor in answer.descriptors:
                os.close(descriptor)
            if answer.kind == Frame.SPAWNED:  # not when its init dies before it is handed over
                reaped = wire.receive(self.control)
                assert reaped.kind == Frame.REAPED, reaped
        return watcher.made

    def _ask(self, ours: Ends, life: str, resources: contextlib.ExitStack) -> None:
        arguments = json.dumps(
            {"file": __file__, "host_user": os.geteuid(), "bounding": True}
        ).encode()
        trees = self._open(resources) if life == SPARE else ()
        grant = (self._grant() if life == SPARE else cell_grant()).pack()
        spawn = wire.SPAWNING.pack(self._number, 0) + (grant if life == WHOLE else b"")
        wire.send(self.control, Frame.SPAWN, spawn, (*ours.theirs, *trees))
        ours.close_theirs()
        with contextlib.suppress(OSError):  # the cell may end before it reads them
            if life != WHOLE:
                wire.send(ours.channel, Frame.GRANT, grant)
            call = wire.Call(deadline=math.inf, arguments=arguments)
            wire.send(ours.channel, Frame.CALL, call.pack())

    def close(self) -> None:
        """
        End the zygote and the keeper.
        """
        self._ended.close()

    def _open(self, resources: contextlib.ExitStack) -> tuple[int, ...]:
        asked = [
            {"path": str(self.root / name), "root": str(self.root), "access": access}
            for name, access in (("kept", "write"), ("read", "read"), ("staged", "staged"))
        ]
        wire.send_json(self._asking, Frame.OPEN, {"paths": asked, "slot": 0})
        answer = wire.receive(self._asking)
        assert len(answer.descriptors) == len(asked), answer
        for descriptor in answer.descriptors:
            resources.callback(os.close, descriptor)
        return answer.descriptors

    def _grant(self) -> wire.CellGrant:
        mounts = tuple(
            Mount(access, str(self.root / name), str(self.root), name == "kept", given=True)
            for name, access in (
                ("kept", Access.WRITE),
                ("read", Access.READ),
                ("staged", Access.STAGED),
            )
        )
        return cell_grant(mounts=mounts)


def _kill(pid: int) -> None:
    """
    Popen.kill asks first whether the process has ended, and takes the stop of one that is traced
    for its end.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
