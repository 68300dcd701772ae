"""
What is said where only the client is installed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
