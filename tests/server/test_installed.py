"""
What is said where only the client is installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from toolcell_server.installed import NEEDED

ROOT = Path(__file__).parents[2]
ROOMS = [str(ROOT / room) for room in ("proto", "server", "client", "sandbox_worker")]
# Without site-packages: our code is there, and nothing that it depends on.
BARE = [sys.executable, "-I", "-S", "-c"]
PLACED = f"import sys; sys.path[:0] = {ROOMS}; "


@pytest.mark.parametrize("words", [[], ["run"], ["doctor"]], ids=["serve", "run", "doctor"])
def test_a_server_without_its_dependencies_says_what_to_install(words: list[str]) -> None:
    """
    One line, which can be copied; a traceback looks like a fault of ours.
    """
    program = "import runpy; runpy.run_module('toolcell_server', run_name='__main__')"

    ended = subprocess.run(
        [*BARE, PLACED + program, *words], capture_output=True, text=True, check=False
    )

    remedy = "psutil is not installed; pip install 'toolcell[server]'"
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"toolcell_server: {remedy}\n"


def test_a_tool_without_what_tools_need_says_what_to_install() -> None:
    """
    A bundle's own environment is where it is forgotten.
    """
    program = "from toolcell_worker import tool"

    ended = subprocess.run([*BARE, PLACED + program], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert last.endswith("is not installed; tools need it: pip install 'toolcell[tools]'")


def test_everything_that_the_server_needs_is_looked_for() -> None:
    """
    One that is not ends the server with a traceback, or fails the first call that needs it.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = {re.split(r"[^\w.-]", each)[0] for each in (*extras["server"], *extras["tools"])}
    found = {
        distribution.replace("_", "-").lower()
        for module, distributions in packages_distributions().items()
        for distribution in distributions
        if module in NEEDED
    }

    assert set() == named - found - {"toolcell"}
