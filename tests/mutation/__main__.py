"""
`python -m mutation [WALL …]`: removes each wall from a copy of the code, and expects red tests.

Theory of operation.  A test that stays green whether a wall is there or not does not test it.  For
every wall the tree is copied, the wall is cut out of the copy by replacing text that must be there
exactly once, and three kinds of tests run on the copy: `doctor`, which must not report the wall as
up and reach its level all the same; the attacks of the battery that this wall alone stops; and the
tests of real cells.  What turned red is printed.

Exit code 1 if a wall can be removed without a red test; 2 if a piece of code is not where
`mutations.py` says, which then has to follow the code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mutation.mutations import MUTATIONS

if TYPE_CHECKING:
    from mutation.mutations import Mutation

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("proto", "server", "client", "sandbox_worker", "tests")
TESTS = tuple(
    f"tests/sandbox_worker/{name}.py"
    for name in ("test_namespaces", "walls/test_descriptors", "test_cell")
)
SECONDS = 300.0  # for each kind of tests; a cell without a wall may hang
UP = "active"
EVERY_ATTACK = tuple(sorted({name for mutation in MUTATIONS for name in mutation.attacks}))


class Moved(Exception):  # noqa: N818  # names what happened
    """
    Raised when code that a mutation replaces is not there, or there twice.
    """


def main(walls: list[str]) -> int:
    """
    Remove these walls, all if none is named; the exit code.
    """
    if unknown := set(walls) - {mutation.wall for mutation in MUTATIONS}:
        print(f"no wall is called {' or '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="toolcell-mutation-") as folder:
        Path(folder).chmod(0o755)
        try:
            whole = _copy(ROOT, Path(folder, "whole"))
            if reds := _reds(whole):
                print(f"red with every wall in place: {', '.join(reds)}")
                return 2
            chosen = [m for m in MUTATIONS if not walls or m.wall in walls]
            unseen = [mutation.wall for mutation in chosen if _try(mutation, whole)]
        except Moved as exc:
            print(exc, file=sys.stderr)
            return 2
    for wall in unseen:
        print(f"nothing turns red without {wall}", file=sys.stderr)
    return 1 if unseen else 0


def _try(mutation: Mutation, whole: Path) -> bool:
    """
    Whether nothing turns red without the wall.
    """
    tree = _copy(whole, whole.parent / mutation.wall)
    for edit in mutation.edits:
        file = tree / edit.path
        text = file.read_text()
        if text.count(edit.old) != 1:
            raise Moved(f"{edit.path} has {text.count(edit.old)} times: {edit.old!r}")
        file.write_text(text.replace(edit.old, edit.new))
    reds = _reds(tree, mutation)
    print(f"{mutation.wall:12} {', '.join(reds) or 'NOTHING'}", flush=True)
    shutil.rmtree(tree)
    return not reds


def _copy(original: Path, tree: Path) -> Path:
    for room in ROOMS:
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(original / room, tree / room, ignore=left_out, symlinks=True)
    shutil.copy(original / "pyproject.toml", tree)
    return tree


def _reds(tree: Path, mutation: Mutation | None = None) -> list[str]:
    """
    What is red in the tree; everything is run if nothing was removed.
    """
    if mutation is None:
        return [*_doctor(tree, ""), *_battery(tree, EVERY_ATTACK), *_tests(tree, "")]
    battery = _battery(tree, mutation.attacks) if mutation.attacks else []
    return [*_doctor(tree, mutation.wall), *battery, *_tests(tree, mutation.tests)]


def _doctor(tree: Path, wall: str) -> list[str]:
    """
    What `doctor` says of the wall, if it is not that it is up.
    """
    ended = _run(tree, "-m", "toolcell_server", "doctor", "--json")
    try:
        walls = {row["wall"]: row["status"] for row in json.loads(ended.stdout)["walls"]}
    except ValueError:
        return [f"doctor: {_last_line(ended)}"]
    return [f"doctor: {wall} {walls[wall]}"] if walls.get(wall, UP) not in {UP, "degraded"} else []


def _battery(tree: Path, attacks: tuple[str, ...]) -> list[str]:
    """
    The attacks that do harm.
    """
    ended = _run(tree, "-m", "toolcell_server", "doctor", "--battery", "--json", "--only", *attacks)
    try:
        lines = json.loads(ended.stdout)["attacks"]
    except ValueError:
        return [f"battery: {_last_line(ended)}"]
    return [f"battery: {line['name']}" for line in lines if line["verdict"] == "breached"]


def _tests(tree: Path, keywords: str) -> list[str]:
    """
    The tests that fail.
    """
    options = (
        "-q",
        "--maxfail=3",
        "--timeout=20",
        "-p",
        "no:cacheprovider",
        "-rfE",
        "-k",
        keywords,
    )
    ended = _run(tree, "-m", "pytest", *options, "-k", keywords, *TESTS)
    named = [line.split(" ")[1] for line in ended.stdout.splitlines() if line.startswith(RED)]
    if not named and ended.returncode:
        return [f"pytest: {' '.join((ended.stdout + ended.stderr).split())[-300:]}"]
    return [name.rpartition("::")[2] for name in named]


def _last_line(ended: subprocess.CompletedProcess[str]) -> str:
    lines = ended.stderr.strip().splitlines()
    return lines[-1][:200] if lines else "no report"


RED = ("FAILED ", "ERROR ")


def _run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    rooms = os.pathsep.join(str(tree / room) for room in ROOMS)
    command = [sys.executable, "-B", *arguments]
    try:
        return subprocess.run(
            command,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": rooms},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="it took too long")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
