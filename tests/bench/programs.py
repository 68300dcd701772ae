"""
Runs our load programs: each is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench.report import Measured


def measure(*arguments: str) -> Measured:
    """
    Run one of our load programs.
    """
    command = [sys.executable, "-m", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{answer.stderr}")
    return Measured(**json.loads(answer.stdout))
