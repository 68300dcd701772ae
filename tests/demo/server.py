"""
Starts the service for the demo, on free ports of the loopback, with a folder of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path(__file__).parents[2] / ".cache"
SETTINGS = """
[server]
listen = "127.0.0.1:0"
metrics_listen = "127.0.0.1:0"

[policy]
roots = [{{path = "{root}", access = "write"}}]

[[bundles]]
name = "demo"
path = "{bundle}"
"""


@dataclass(frozen=True)
class Served:
    """
    Where the service is, and what was planted around it.
    """

    target: str
    metrics: str
    pid: int
    root: Path
    settings: Path
    canary: Path


@contextlib.contextmanager
def serving() -> Iterator[Served]:
    """
    The service, for as long as the context lasts.
    """
    # Not in /tmp: a cell has a /tmp of its own, in which a missing file is just missing.
    CACHE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=CACHE))
    process = None
    try:
        # The service's own files may be nobody else's; what cells are to read must be readable.
        folder.chmod(0o755)
        root, bundle = folder / "root", folder / "bundle"
        root.mkdir()
        (root / "a.txt").write_text("the granted file\n")
        (root / "b.txt").write_text("its neighbour\n")
        shutil.copytree(Path(__file__).parent / "bundle", bundle)
        canary = folder / "canary.txt"
        canary.write_text("anybody on the host may read this\n")
        canary.chmod(0o644)
        settings = folder / "settings.toml"
        settings.write_text(SETTINGS.format(root=root, bundle=bundle))
        process = subprocess.Popen(
            [sys.executable, "-m", "toolcell_server", "--config", str(settings)],
            stdout=subprocess.PIPE,
            env={**os.environ, "DEMO_SECRET": "a secret of the service"},
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the service did not start (exit code {process.wait()})")
        ready = json.loads(line)
        yield Served(ready["listening"], ready["metrics"], process.pid, root, settings, canary)
    finally:
        if process is not None:
            process.terminate()
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()
        shutil.rmtree(folder)
