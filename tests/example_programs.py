"""
Runs the programs of examples/ as a newcomer does, without a key and with a service.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from running_server import Server, start_server

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SHOWN_FOLDER = "/tmp/toolcell-examples"


def serve(folder: Path) -> Server:
    """
    A service with the settings of the examples; what they grant is a folder in this one.
    """
    for name, mode in (("granted", 0o777), ("server", 0o755)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
    folder.chmod(0o755)
    settings = (EXAMPLES / "settings.toml").read_text()
    assert SHOWN_FOLDER in settings
    return start_server(folder / "server", settings.replace(SHOWN_FOLDER, str(folder / "granted")))


def run(
    name: str, target: str, granted: Path, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    """
    Run one as a program, without keys in its environment.
    """
    kept = {
        each: value
        for each, value in os.environ.items()
        if not each.endswith(("_KEY", "_BASE_URL"))
    }
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        env=kept | {"TOOLCELL_TARGET": target, "TOOLCELL_EXAMPLES": str(granted)},
        stdin=stdin, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
