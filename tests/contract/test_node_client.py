"""
A client in another language, made from the .proto files at run time, can call us.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running_server import Server

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).with_name("node")
INSTALL_SECONDS = 150  # a cold cache and a slow registry

pytestmark = pytest.mark.timeout(INSTALL_SECONDS + 60)


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """
    The packages that package.json names, in .cache; kept as long as package.json stays the same.

    There is no package-lock.json: it would write the registry of whoever made it into the tree.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        if "CI" not in os.environ:
            pytest.skip("node and npm are not installed")
        pytest.fail("node and npm are missing; with CI set this test may not skip")
    wanted = (HERE / "package.json").read_bytes()
    folder = ROOT / ".cache" / f"node-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(wanted)
        npm_install(folder)
        (folder / "ready").touch()
    return folder / "node_modules"


def npm_install(folder: Path) -> None:
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--no-update-notifier"]
    command = ["npm", "install", "--ignore-scripts", *quiet, "--cache", str(folder / "npm")]
    try:
        subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as exc:
        pytest.fail(f"npm install failed; is its registry within reach?\n{exc.stderr}")


def call(node_modules: Path, target: str, tool: str, arguments: Any) -> tuple[int, list[Any]]:
    """
    Run client.js; its exit code and the lines that it printed.
    """
    answer = subprocess.run(
        ["node", str(HERE / "client.js"), str(ROOT / "proto"), target, tool, json.dumps(arguments)],
        env={**os.environ, "NODE_PATH": str(node_modules)},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert "" == answer.stderr
    return answer.returncode, [json.loads(line) for line in answer.stdout.splitlines()]


def test_a_node_client_reads_a_stream_to_its_end(
    node_modules: Path, running_server: Server
) -> None:
    """
    Most orchestrators are not written in Python.
    """
    code = "print('hello from the cell')"
    exit_code, events = call(node_modules, running_server.target, "run_python", {"code": code})

    assert 0 == exit_code, events
    assert list(range(1, len(events) + 1)) == [event["sequence"] for event in events]
    assert ["accepted", "started"] == [event["event"] for event in events[:2]]
    assert "finished" == events[-1]["event"]
    assert "completed" == events[-1]["outcome"]
    assert "hello from the cell" in json.loads(events[-1]["result"])["stdout"]


def test_a_node_client_reads_why_it_was_refused(node_modules: Path, running_server: Server) -> None:
    """
    A refusal is an ordinary status with text; no decoder of ours is needed to see it.
    """
    exit_code, events = call(node_modules, running_server.target, "run_pyton", {})

    assert 4 == exit_code, events
    assert ["NOT_FOUND"] == [event["refused"] for event in events]
    assert "run_pyton" in events[0]["details"]
