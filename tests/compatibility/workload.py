"""
The workloads: tools of three folders, each with the same work to do in a cell and outside.

Theory of operation.  `workloads/standard` needs nothing but an interpreter and the programs that
its commands name; `workloads/libraries` imports numpy and others in the zygote, as a bundle of
tools does; `workloads` itself (`late.py`) imports them in the cell, as code that a model wrote
does.  What profile and which limits a workload needs stands in its manifest and nowhere else.

What is compared is everything that a caller would see: the result, and both outputs, to the byte.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
FOLDERS = HERE / "workloads"
WORKER_ROOM = HERE.parents[1] / "sandbox_worker"
PLAIN_SECONDS = 120  # arbitrary; what takes longer hangs
PLAINLY_AT_A_TIME = 4  # arbitrary
# As in a cell, but for its private folder.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "USER": "tool",
}
# What a command needs beside its own interpreter, where that is not its name.
PROGRAMS = {
    "command_filters": "awk",
    "command_perl": "json_pp",  # comes with its modules
    "command_python": "python3",
}


class PlainFailed(AssertionError):  # noqa: N818  # names what happened
    """
    Raised when a workload fails without a cell, too: then it says nothing about cells.
    """


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    A folder of workloads, and the interpreter that has what they import.
    """

    name: str
    folder: Path
    python: str = sys.executable

    def settings(self) -> str:
        """
        The bundle in a settings file.
        """
        lines = {"name": self.name, "path": str(self.folder), "python": self.python}
        entries = [f"{key} = {json.dumps(value)}" for key, value in lines.items()]
        return "\n".join(["[[bundles]]", *entries, ""])


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """
    One tool of a bundle; `lacking` is the program without which it cannot run here.
    """

    name: str
    bundle: Bundle
    profile: str
    limits: dict[str, float]
    lacking: str


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What a caller sees of one run.
    """

    result: Any
    stdout: str
    stderr: str


STANDARD = Bundle("standard", FOLDERS / "standard")


def with_libraries(python: str) -> list[Bundle]:
    """
    All bundles, run by an interpreter that has the libraries.
    """
    return [
        Bundle("standard", FOLDERS / "standard", python),
        Bundle("libraries", FOLDERS / "libraries", python),
        Bundle("late", FOLDERS, python),
    ]


def workloads(bundle: Bundle) -> list[Workload]:
    """
    What a bundle holds, in order of their names.

    Raises:
        PlainFailed: something in it does not load.
    """
    held = _plain(bundle).result
    if held["broken"]:
        raise PlainFailed(f"{bundle.folder}: {held['broken']}")
    return sorted((_workload(bundle, each) for each in held["tools"]), key=lambda each: each.name)


def seen_plainly(workload: Workload) -> Seen:
    """
    Run a workload in a plain process, in a folder of its own.

    Raises:
        PlainFailed: it does not work there either.
    """
    return _plain(workload.bundle, workload.name)


def all_seen_plainly(held: Iterable[Workload]) -> dict[Workload, Seen]:
    """
    Run each of these workloads in a plain process, a few at a time.

    Raises:
        PlainFailed: one does not work there either.
    """
    held = list(held)
    with ThreadPoolExecutor(PLAINLY_AT_A_TIME) as pool:
        return dict(zip(held, pool.map(seen_plainly, held), strict=True))


def _workload(bundle: Bundle, manifest: dict[str, Any]) -> Workload:
    name = manifest["name"]
    program = PROGRAMS.get(name, name.removeprefix("command_")) if manifest["command"] else "sh"
    there = shutil.which(program, path=ENVIRONMENT["PATH"])
    profile = manifest["profile"] or "compute"
    return Workload(name, bundle, profile, manifest["limits"], "" if there else program)


def _plain(bundle: Bundle, *tool: str) -> Seen:
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder, open(reading, "rb") as answer:
        try:
            process = subprocess.Popen(
                [bundle.python, "-B", "-X", "utf8", HERE / "plain.py", bundle.folder, *tool],
                cwd=folder,
                env=_environment(folder, writing),
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            os.close(writing)
        stdout, stderr = process.communicate(timeout=PLAIN_SECONDS)
        answered = answer.read()
    if process.returncode != 0 or not answered:
        raise PlainFailed(f"{' '.join(tool)} ended with {process.returncode}: {stderr}")
    return Seen(json.loads(answered), stdout, stderr)


def _environment(folder: str, answer: int) -> dict[str, str]:
    own = {"HOME": folder, "TMPDIR": folder, "PYTHONPATH": str(WORKER_ROOM)}
    return {**ENVIRONMENT, **own, "ANSWER": str(answer)}
