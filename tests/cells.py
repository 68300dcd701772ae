"""
Real zygotes and real cells without a server: the blocking side of the wire, for tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_server import host_ids, program
from toolcell_worker import wire
from toolcell_worker.wire import REAPING, Call, CellGrant, Frame, Message, PeerClosed, Profile

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence

MEBIBYTE = 2**20
SECONDS = 20.0  # for anything that should take milliseconds


@dataclass
class Ended:
    """
    What one cell said and how it ended.
    """

    frames: list[Message] = field(default_factory=list)
    stdout: bytes = b""
    stderr: bytes = b""
    wait_status: int = -1
    seconds: float = 0.0

    def payload(self, kind: Frame) -> Any:
        """
        The JSON of the first frame of this kind; nothing if there is none.
        """
        for message in self.frames:
            if message.kind == kind:
                return message.json()
        return None

    @property
    def kinds(self) -> list[Frame]:
        return [Frame(message.kind) for message in self.frames]


class ZygoteAlone:
    """
    One zygote program, driven over its control socket.  Cells without paths are `whole` if wanted.
    """

    _whole = False

    def __init__(
        self, path: str, roots: Sequence[str] = (), python: str = "", *, whole: bool = False
    ) -> None:
        ids = host_ids.spare_ids()
        self.identity = {"first": ids[0], "count": ids[1]} if ids else None
        self.instructions = {
            "bundle": "test",
            "path": path,
            "roots": list(roots),
            "identity": self.identity,
        }
        self.process, self.control = start("zygote", self.instructions, python)
        self._whole = whole
        self.catalogue = wire.receive(self.control)
        self._numbers = 0

    def call(
        self,
        tool: str,
        arguments: dict[str, Any] | None = None,
        *,
        descriptors: Sequence[int] = (),
        slot: int = 0,
        **grant: Any,
    ) -> Ended:
        """
        Run one cell to its end.
        """
        whole = self._whole and not grant.get("mounts")
        self._numbers += 1
        began = time.monotonic()
        with contextlib.ExitStack() as resources:
            ours = Ends(resources)
            packed = cell_grant(**grant).pack()
            spawn = wire.SPAWNING.pack(self._numbers, slot) + (packed if whole else b"")
            wire.send(self.control, Frame.SPAWN, spawn, (*ours.theirs, *descriptors))
            ours.close_theirs()
            with contextlib.suppress(OSError):
                if not whole:
                    wire.send(ours.channel, Frame.GRANT, packed)
                called = call_of(tool, arguments)
                wire.send(ours.channel, Frame.CALL, called.pack())
            spawned = wire.receive(self.control)
            assert spawned.kind == Frame.SPAWNED, spawned
            for pidfd in spawned.descriptors:
                resources.callback(os.close, pidfd)
            ended = Ended(frames=list(drain(ours.channel)))
            reaped = wire.receive(self.control)
            ended.wait_status = REAPING.unpack(reaped.payload)[1]
            ended.stdout, ended.stderr = ours.output()
        ended.seconds = time.monotonic() - began
        return ended

    def close(self) -> None:
        """
        End the zygote and every cell of it.
        """
        self.control.close()
        self.process.kill()
        self.process.wait(SECONDS)


class Ends:
    """
    Our ends of what leads into a cell, and the cell's ends until they are sent.
    """

    def __init__(self, resources: contextlib.ExitStack) -> None:
        self.channel, cell = socket.socketpair()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        self._outputs = (out, err)
        self._handed = (cell.detach(), out_end, err_end)
        self.channel.settimeout(SECONDS)
        resources.callback(self.channel.close)
        for descriptor in self._outputs:
            resources.callback(os.close, descriptor)

    @property
    def theirs(self) -> tuple[int, ...]:
        return self._handed

    def close_theirs(self) -> None:
        for descriptor in self._handed:
            os.close(descriptor)

    def output(self) -> tuple[bytes, bytes]:
        """
        What the pipes hold; every writer is dead.
        """
        return os.read(self._outputs[0], MEBIBYTE), os.read(self._outputs[1], MEBIBYTE)


def start(
    kind: str, instructions: dict[str, Any], python: str = ""
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """
    Start a program of the worker's room, with a blocking socket to it.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = program.spawn(kind, theirs.fileno(), python)
    ours.settimeout(SECONDS)
    wire.send_json(ours, Frame.START, instructions)
    return process, ours


def call_of(tool: str, arguments: dict[str, Any] | None = None) -> Call:
    """
    A call with time for ordinary work.
    """
    data = json.dumps(arguments or {}).encode()
    deadline = time.monotonic() + SECONDS
    return Call(deadline=deadline, tool=tool, version="1" if tool else "", arguments=data)


def cell_grant(**changes: Any) -> CellGrant:
    """
    A grant with room for ordinary work.
    """
    usual: dict[str, Any] = {
        "profile": Profile.COMPUTE,
        "cpu_seconds": 5.0,
        "memory_bytes": 256 * MEBIBYTE,
        "disk_bytes": 16 * MEBIBYTE,
        "file_size_bytes": 8 * MEBIBYTE,
        "result_bytes": MEBIBYTE,
        "processes": 8,
        "open_files": 64,
        "arguments_bytes": MEBIBYTE,
        "environment": (("HOME", "/tmp"), ("DECLARED", "yes")),
    }
    return CellGrant(**{**usual, **changes})


def drain(channel: socket.socket) -> Iterator[Message]:
    """
    Every frame until the peer is gone.
    """
    with contextlib.suppress(PeerClosed, ConnectionResetError):
        while True:
            yield wire.receive(channel)
