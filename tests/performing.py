"""
Runs a tool the way a cell does, without the walls: a real socket pair, real frames.

As a program it is that cell: `performing.py DESCRIPTOR NAME`, with the tool of that name of the
built-in bundle, for tools that change the process that they run in.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_worker import run, wire
from toolcell_worker.bundle import BundleSpec, load
from toolcell_worker.wire import Call, CellGrant, Frame, Profile

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_worker.definition import LoadedTool

BUILTIN = BundleSpec(name="builtin", package="toolcell_worker.tools", options={"run_shell": True})
PATIENCE_SECONDS = 30


@dataclass
class Performance:
    """
    What came of one run: the exit code, all frames, and (from `apart`) what was printed.
    """

    code: int
    frames: list[tuple[Frame, Any]] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""

    @property
    def result(self) -> Any:
        kind, value = self.frames[-1]
        assert kind == Frame.RESULT, value
        return value

    @property
    def raised(self) -> dict[str, Any]:
        kind, value = self.frames[-1]
        assert kind == Frame.RAISED, value
        return dict(value)

    def of(self, kind: Frame) -> list[Any]:
        return [value for found, value in self.frames if found == kind]


def grant(**changes: Any) -> CellGrant:
    """
    A grant of usual size.
    """
    usual = CellGrant(
        profile=Profile.COMPUTE,
        cpu_seconds=10.0,
        memory_bytes=512 * 2**20,
        disk_bytes=64 * 2**20,
        file_size_bytes=64 * 2**20,
        result_bytes=4 * 2**20,
        processes=32,
        open_files=256,
        arguments_bytes=2**20,
    )
    return dataclasses.replace(usual, **changes)


def call_with(arguments: bytes) -> Call:
    """
    A call with these arguments.
    """
    return Call(
        deadline=time.monotonic() + PATIENCE_SECONDS,
        execution_id="execution-1",
        call_id="call-1",
        arguments=arguments,
    )


def perform(tool: LoadedTool, arguments: dict[str, Any], **changes: Any) -> Performance:
    """
    Run a tool in this process.
    """
    ours, theirs = socket.socketpair()
    performance = Performance(-1)
    reader = threading.Thread(target=_collect, args=(ours, performance))
    reader.start()
    try:
        encoded = json.dumps(arguments).encode()
        performance.code = run.perform(tool, call_with(encoded), theirs.fileno(), grant(**changes))
    finally:
        theirs.close()
        reader.join(PATIENCE_SECONDS)
        ours.close()
    return performance


def apart(name: str, arguments: dict[str, Any], directory: Path) -> Performance:
    """
    Run a built-in tool in a process of its own, which ends without returning, as a cell's does.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", __file__, str(theirs.fileno()), name],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=directory,
                text=True,
                errors="replace",
            )
        performance = Performance(-1)
        wire.send_json(ours, Frame.CALL, arguments)
        reader = threading.Thread(target=_collect, args=(ours, performance))
        reader.start()
        performance.stdout, performance.stderr = process.communicate(timeout=PATIENCE_SECONDS)
        reader.join(PATIENCE_SECONDS)
    performance.code = process.returncode
    return performance


def builtin(name: str) -> LoadedTool:
    """
    A built-in tool.
    """
    return load(BUILTIN).tools[name, "1"]


def _collect(channel: socket.socket, performance: Performance) -> None:
    while True:
        try:
            message = wire.receive(channel)
        except (wire.PeerClosed, ConnectionResetError):
            return
        performance.frames.append((Frame(message.kind), message.json()))


def _be_a_cell(descriptor: int, name: str) -> int:
    tool = builtin(name)
    arguments = wire.read(descriptor, Frame.CALL, wire.MAXIMUM_FRAME_BYTES)
    return run.perform(tool, call_with(arguments), descriptor, grant())


if __name__ == "__main__":
    os._exit(_be_a_cell(int(sys.argv[1]), sys.argv[2]))
