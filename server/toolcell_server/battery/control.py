"""
The positive control: the same hostile code as a plain process of the service's own user.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any

from toolcell_server.battery import processes
from toolcell_server.battery.attack import Traces

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Attack
    from toolcell_server.battery.ground import Call, Ground

CONTROL_SECONDS = 30.0  # arbitrary; hostile code bounds itself to about five
READY_SECONDS = 10.0  # arbitrary; an interpreter starts in well under a second
TICK_SECONDS = 0.005
TEXT_CHARACTERS = 2**20


async def run(attack: Attack, plan: dict[str, Any], ground: Ground) -> Traces:
    """
    Run the attack, and what it wants to run before and beside it, without any wall.
    """
    from toolcell_server.battery.ground import Call  # the values above need only its type

    call = Call(attack.function, plan)
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        neighbour = await _beside(ground)
        try:
            began = time.monotonic()
            process = _start(call, ground, stdout, stderr, forks=attack.forks)
            if ground.when_ready:
                await _until_printed(process, stdout)
                ground.when_ready()
            code = await asyncio.to_thread(_wait, process)
            seconds = time.monotonic() - began
        finally:
            if neighbour is not None:
                neighbour.kill()
                neighbour.wait()
        said = _text(stdout)
        return Traces(
            outcome=f"exit:{code}" if code >= 0 else f"signal:{-code}",
            stdout=said,
            stderr=_text(stderr),
            seconds=seconds,
            **_last_line(said),
        )


async def _beside(ground: Ground) -> subprocess.Popen[bytes] | None:
    if ground.beside is None:
        return None
    with tempfile.TemporaryFile() as output:
        process = _start(ground.beside, ground, output, output)
        await _until_printed(process, output)
        return process


def _start(
    call: Call, ground: Ground, stdout: IO[bytes], stderr: IO[bytes], *, forks: bool = False
) -> subprocess.Popen[bytes]:
    asked = {
        "plan": call.plan,
        "earlier": [[one.function, one.plan] for one in ground.earlier],
        "forks": forks,
    }
    with tempfile.TemporaryFile() as stdin:
        stdin.write(json.dumps(asked).encode())
        stdin.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-B", "-m", "toolcell_worker.battery", call.function],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=ground.scratch,
            env={**os.environ, "HOME": ground.scratch, processes.VARIABLE: ground.marker},
            pass_fds=ground.session.inherited,
            start_new_session=True,
        )


async def _until_printed(process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while os.fstat(output.fileno()).st_size == 0 and process.poll() is None:
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(TICK_SECONDS)


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(CONTROL_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(TEXT_CHARACTERS).decode(errors="replace")


def _last_line(said: str) -> dict[str, Any]:
    """
    The results, which the program prints last if it comes so far.
    """
    try:
        ended = json.loads(said.rstrip("\n").rpartition("\n")[2])
        return {"result": ended["result"], "earlier": tuple(ended["earlier"])}
    except (ValueError, KeyError, TypeError):
        return {}
