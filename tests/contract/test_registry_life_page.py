"""
The page about the life of a tool, as somebody types it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plain_calls import TOOLCELL
from running_server import Server, start
from toolcell_client import Client
from toolcell_server.settings.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs/registry"
PAGE = (DOCS / "life.md").read_text()


def block(language: str, containing: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    [found] = [each for each in blocks if containing in each]
    return str(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    folder.chmod(0o755)
    (folder / "state").mkdir(mode=0o700)
    (folder / "upper.toml").write_text(block("toml", "argv"))
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """
    The settings of the page, but for their place and the ports.
    """
    settings = block("toml", "state_dir").replace("/var/lib/toolcell", f"{folder}/state")
    (folder / "settings.toml").write_text(settings)
    program = [sys.executable, "-m", "toolcell_server", "--config", str(folder / "settings.toml")]
    ports = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]
    with start([*program, *ports], folder / "log") as server:
        yield server


def test_each_command_of_the_page_says_what_the_page_says(server: Server, folder: Path) -> None:
    said = {}
    toolcell = f'toolcell() {{ {" ".join(TOOLCELL)} "$@"; }}\n'
    for line in block("sh", "tools register").splitlines():
        done = subprocess.run(
            ["bash", "-c", toolcell + line],
            capture_output=True, text=True, timeout=50, check=False, cwd=folder,
            env={**os.environ, "TOOLCELL_TARGET": server.target},
        )  # fmt: skip
        said[line] = (done.returncode, done.stdout + done.stderr)
    expected = {
        '"HELLO"': 0, '"OLD"': 0, "TOOL_RETIRED": 4, "no tool 'upper' is registered": 4,
    }  # fmt: skip

    for line, (code, words) in said.items():
        promised = [word for word in expected if line.endswith(f"# {word}")]
        assert code == (expected[promised[0]] if promised else 0), (line, words)
        word = promised[0] if promised else ""
        assert ("is refused since" if word == "TOOL_RETIRED" else word) in words, (line, words)
    assert expected.keys() <= {line.partition("# ")[2] for line in said}
    [history] = [words for line, (_, words) in said.items() if "history" in line]
    assert ["deprecated", "deprecated", "registered", "registered"] == re.findall(
        r'"kind": "(\w+)"', history
    )


def test_the_python_of_the_page_runs(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upper = tomllib.loads((folder / "upper.toml").read_text())
    code = block("python", "client.registry").replace("Client()", f"Client({server.target!r})")
    exec(code, {"upper": upper})  # the page's own

    assert "HELLO\nupper in version 1 is deprecated: use shout\n" == capsys.readouterr().out
    with Client(server.target) as client:
        assert "upper" not in [tool.name for tool in client.list_tools()]


def test_every_page_is_listed_and_every_setting() -> None:
    index = (DOCS / "README.md").read_text()
    pages = {page.name for page in DOCS.glob("*.md")}

    assert pages - {"README.md"} <= set(re.findall(r"\]\((\w+\.md)\)", index))
    from toolcell_server.settings.registry import RegistrySettings

    settings = {f"registry.{name}" for name in RegistrySettings.__slots__}
    assert settings <= set(re.findall(r"`(registry\.\w+)`", index))


def test_the_roles_of_the_index_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        re.findall(r"```toml\n(.*?)```", (DOCS / "README.md").read_text(), re.DOTALL)[0]
    )
    pipeline, agent = read(str(file), {}).rights.roles

    assert {"toolcell:tools", "tools:*"} == pipeline.granted
    assert {"tools:calculate", "tools:look_up", "toolcell:own_tools"} == agent.granted
