"""
Runs our load programs: each is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench.quantities import Measured


def measure(*arguments: str) -> Measured:
    """
    Run one of our load programs.

    Raises:
        SystemExit: it failed; the text is what it said.
    """
    return run([sys.executable, "-m", *arguments])


def run(command: list[str]) -> Measured:
    """
    Run any program that prints what our load programs print.

    Raises:
        SystemExit: as `measure`.
    """
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{answer.stderr}")
    return Measured(**json.loads(answer.stdout))
