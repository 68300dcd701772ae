"""
The page about formats: its Python and its commands, as it shows them.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from toolcell_client import Client
from toolcell_client.formats import PROVIDERS

if TYPE_CHECKING:
    from running_server import Server

PAGE = (Path(__file__).parents[2] / "docs/orchestrators/formats.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def test_its_python_does_what_it_says(running_server: Server) -> None:
    """
    Block by block, in one session.
    """
    shown = "\n".join(text for kind, text in BLOCKS if kind == "python")
    with Client(running_server.target) as client:
        test = doctest.DocTestParser().get_doctest(
            shown, {"client": client}, "formats.md", "formats.md", 0
        )
        said: list[str] = []
        results = doctest.DocTestRunner().run(test, out=said.append)

    assert (0, "") == (results.failed, "".join(said))
    assert results.attempted > 10


def test_its_commands_can_be_typed(running_server: Server, tmp_path: Path) -> None:
    """
    But for `jq`, which need not be there.
    """
    [shown] = [text for kind, text in BLOCKS if kind == "console"]
    lines = [line[2:].split(" | ")[0] for line in shown.splitlines() if line.startswith("$ ")]
    for line in lines:
        command = line.replace("toolcell ", f"{sys.executable} -m toolcell_client.cli ", 1)
        ended = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False,
            timeout=60, env={**os.environ, "TOOLCELL_TARGET": running_server.target},
        )  # fmt: skip
        assert 0 == ended.returncode, ended.stderr
        made = json.loads(ended.stdout or (tmp_path / "tools.json").read_text())
        assert made

    assert 3 == len(lines)


def test_it_names_every_provider() -> None:
    named = re.findall(r"^\| `([\w-]+)`", PAGE, re.MULTILINE)

    assert list(PROVIDERS) == named
