"""
Programs of the service on poorer hosts, and who can run them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import toolcell_server
import toolcell_worker

TESTS = Path(__file__).parents[1]
SECONDS = 60.0
ROOT = os.geteuid() == 0


def command(kinds: str, *program: str) -> list[str]:
    """
    A command line that runs `python PROGRAM…` on the poorer host of these kinds.
    """
    become = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r}); "
        "from hosts import poorer; poorer.main(sys.argv[1:])"
    )
    return [sys.executable, "-B", "-c", become, *kinds.split(), "--", sys.executable, *program]


def doctor(kinds: str, *options: str, seconds: float = SECONDS) -> tuple[int, dict[str, Any], str]:
    """
    What `doctor --json` says there: exit code, report, standard error.
    """
    done = subprocess.run(
        command(kinds, "-B", "-m", "toolcell_server", "doctor", "--json", *options),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def lay_open(folder: Path) -> Path:
    """
    Let anybody reach a folder of ours, as an ordinary user who runs the service must.
    """
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.geteuid() and each != each.parent:
            each.chmod(each.stat().st_mode | 0o055)
    return folder


def readable_by_anybody() -> bool:
    """
    Whether cells without mounts can read the runtime: they see it where it lies, as nobody.
    """
    needed = [sys.base_prefix, sys.prefix, toolcell_worker.__file__, toolcell_server.__file__]
    folders = {folder for path in needed for folder in Path(path or "/").resolve().parents}
    return all(folder.stat().st_mode & 0o001 for folder in folders)


NEEDS_A_RUNTIME = pytest.mark.skipif(
    ROOT and not readable_by_anybody(),
    reason="cells without mounts cannot read an interpreter or a tree that only root may",
)


def users() -> list[str]:
    """
    Kinds of whom the service runs as: root may also become an ordinary user.
    """
    if ROOT and readable_by_anybody():
        return ["", "unprivileged "]
    return [""]
