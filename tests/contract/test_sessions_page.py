"""
The page about sessions: what it shows works as it stands.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_server import Server, start

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/registry/sessions.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "state").mkdir(mode=0o700)
    settings = block("toml").replace("/var/lib/toolcell", f"{folder}/state")
    settings = re.sub(r"minimum_free_bytes = \d+", "minimum_free_bytes = 0", settings)
    (folder / "settings.toml").write_text(settings)
    program = [sys.executable, "-m", "toolcell_server", "--config", str(folder / "settings.toml")]
    flags = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]
    with start([*program, *flags], folder / "log") as server:
        yield server


def test_the_example_prints_what_it_says(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLCELL_TARGET", served.target)
    code = block("python")
    promised = re.findall(r"# (.+)$", code, re.MULTILINE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "sessions.md", "exec"), {})

    assert promised == [line for line in printed.getvalue().splitlines() if line]


def test_the_commands_do_what_they_say(served: Server, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("month,sum\n")
    environment = {**os.environ, "TOOLCELL_TARGET": served.target}
    session_id, said = "ID", dict[str, str]()
    for line in block("console").splitlines():
        words = shlex.split(line.removeprefix("$ toolcell ").replace(" ID", f" {session_id}"))
        done = subprocess.run(
            [sys.executable, "-m", "toolcell_client.cli", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said[words[1]] = done.stdout
        if words[1] == "create":
            session_id = json.loads(done.stdout)["session_id"]

    assert "month,sum\n" == said["get"]
    assert "month,sum" in json.loads(said["--session"])["stdout"]
    assert 64 == len(json.loads(said["files"])[0]["sha256"])
