"""
Starts a column's server in namespaces of its own, again after each attack that ended or harmed it.

Theory of operation.  Where walls are off, an attack may be root of this host with nothing around
it.  What it can reach is bounded from outside: processes by a namespace of them (a kill of
everybody ends the column's server, and no more), host name, mounts and System V objects by theirs.
Hostile code itself does nothing that could harm a host: its positive control runs it without any
wall.  The folder for temporary files is not /tmp, so that "a file of the host" and "the cell's own
/tmp" are two places when the mounts wall is off.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Line = dict[str, Any]
PATIENCE_SECONDS = 40.0  # arbitrary; a server starts in one, and an attack has eight, twice
LIVES = 3  # arbitrary; of a server that ends without having run an attack
TEMPORARY = "/var/tmp"  # folders in it are made by tempfile
AROUND = (
    *("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--uts", "--ipc"),
    # The server must not be process 1, which no signal of its namespace ends.
    *("sh", "-c", '"$@"; exit $?', "sh"),
)


def not_here() -> str:
    """
    Why it cannot be run here; nothing if it can.
    """
    if os.geteuid() != 0:
        return "run it as root: only root's cells have an identity that can be taken away"
    python = Path(sys.executable).resolve()
    hidden = [str(folder) for folder in python.parents if not folder.stat().st_mode & 0o001]
    if hidden:
        return (
            f"{python} lies in {hidden[0]}, which only its owner may enter: without the mounts wall"
            " no cell could run it; use an interpreter that everybody may run"
        )
    return ""


def load(cache: Path) -> dict[str, Line]:
    """
    What a column has found so far, by the attack's name.
    """
    if not cache.exists():
        return {}
    lines = (json.loads(text) for text in cache.read_text().splitlines())
    return {line["name"]: line for line in lines}


def run(column: str, names: list[str], cache: Path) -> dict[str, Line]:
    """
    Run these attacks in cells of that column; everything that it has found.
    """
    left, lives = list(names), LIVES
    while left:
        before = len(left)
        for line in _serve(column, tuple(left)):
            with cache.open("a") as file:
                file.write(json.dumps(line) + "\n")
            left.remove(line["name"])
        lives = lives - 1 if len(left) == before else LIVES
        if not lives:
            raise RuntimeError(f"the column {column!r} runs no attack: see the error above")
    return load(cache)


def _serve(column: str, names: Sequence[str]) -> Iterator[Line]:
    """
    What one life of the column's server finds.
    """
    with tempfile.TemporaryDirectory(prefix="toolcell-ablation-", dir=TEMPORARY) as folder:
        Path(folder).chmod(0o755)
        environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [*AROUND, sys.executable, "-m", "ablation.column", column, *names]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            yield from _listen(process)


def _listen(process: subprocess.Popen[bytes]) -> Iterator[Line]:
    """
    What it says; and if it ends in the middle of an attack, or says no more, that it did.
    """
    assert process.stdout is not None
    lines: queue.Queue[Line | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    begun = ""
    try:
        while (line := lines.get(timeout=PATIENCE_SECONDS)) is not None:
            begun = line.get("begun", "")
            if not begun:
                yield line
    except queue.Empty:
        pass
    finally:
        process.kill()
    if begun:
        harm = ["the service itself was ended, or answered no more"]
        yield {"name": begun, "verdict": "breached", "harm": harm, "outcome": ""}


def _read(stream: IO[bytes], lines: queue.Queue[Line | None]) -> None:
    for text in stream:
        lines.put(json.loads(text))
    lines.put(None)
