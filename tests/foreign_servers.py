"""
Published MCP servers from npm, installed once into the cache.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[1] / ".cache/mcp"
MODULES = PLACE / "node_modules"
VERSION = "2026.8.31"
PACKAGES = tuple(f"@modelcontextprotocol/server-{name}" for name in ("filesystem", "everything"))
NODE = "/usr/bin/node"
# What Node.js needs where address space is memory (docs/compatibility.md).
OPTION = "--disable-wasm-trap-handler"
MEMORY = 3 * 2**30


def program(name: str) -> Path:
    """
    The file that `node` runs for `@modelcontextprotocol/server-NAME`.  A test that needs it is
    skipped where there is no Node.js and where npm's registry cannot be reached.
    """
    if why := _missing():
        pytest.skip(why)
    return MODULES / f"@modelcontextprotocol/server-{name}/dist/index.js"


@functools.cache
def _missing() -> str:
    if not Path(NODE).exists():
        return f"no Node.js at {NODE}"
    if all((MODULES / package).is_dir() for package in PACKAGES):
        return ""
    npm = shutil.which("npm")
    if npm is None:
        return "no npm"
    PLACE.mkdir(parents=True, exist_ok=True)
    wanted = [f"{package}@{VERSION}" for package in PACKAGES]
    made = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", PLACE, *wanted],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "npm_config_update_notifier": "false"},
    )
    return "" if made.returncode == 0 else f"npm's registry is out of reach: {made.stderr[-200:]}"
