"""
What the README says of tools that come at run time, and of services and commands: typed, and whole.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import mcp_server
import pytest
from plain_calls import TOOLCELL
from published import PETSTORE
from running_server import Server, start_server
from toolcell_client.cli import program

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SECTION = README.partition("## Tools that come while it runs")[2].partition("\n## ")[0]
LIFE = (ROOT / "docs/registry/life.md").read_text()
SHOUT = """
from toolcell_worker import tool


@tool(effects="read_only")
def shout(text: str) -> str:
    \"\"\"
    Say it loudly.
    \"\"\"
    return text + "!"
"""


def block(page: str, language: str, index: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[index])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The files that the commands name.
    """
    made = tmp_path_factory.mktemp("readme")
    made.chmod(0o755)
    (made / "state").mkdir(mode=0o700)
    (made / "notes").mkdir(mode=0o755)
    shutil.copy(mcp_server.__file__, made / "notes/server.py")
    (made / "notes/server.py").chmod(0o644)
    shutil.copy(PETSTORE, made / "petstore.json")
    [upper] = [each for each in re.findall(r"```toml\n(.*?)```", LIFE, re.DOTALL) if "argv" in each]
    (made / "upper.toml").write_text(upper)
    (made / "shout.py").write_text(SHOUT)
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """
    With the settings that are shown, and a root for the MCP server.
    """
    settings = block(SECTION, "toml").replace("/var/lib/toolcell", f"{folder}/state")
    assert {"state_dir", "registry", "hosts", "sessions"} == set(tomllib.loads(settings))
    roots = f'[policy]\nroots = [{{path = "{folder}/notes", access = "read"}}]\n'
    first, _, rest = settings.partition("\n\n")
    key, value = first.partition("#")[0].split(" = ")
    flags = ("--set", f"{key}={json.loads(value)}")
    with start_server(folder, f"{rest}\n{roots}", flags=flags) as one:
        yield one


def test_tools_come_from_the_shell_as_shown(server: Server, folder: Path) -> None:
    """
    A command, code, a document, an MCP server; what came is found, and goes.
    """
    answers = {}
    for line in block(SECTION, "sh").splitlines():
        placed = line.replace("/srv/notes", f"{folder}/notes")
        words = shlex.split(placed.replace("/usr/bin/python3", sys.executable))
        done = subprocess.run(
            [*TOOLCELL, *words[1:]], capture_output=True, text=True, check=False, cwd=folder,
            env={**os.environ, "TOOLCELL_TARGET": server.target},
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
        answers[words[2]] = done.stdout

    assert "shop_getInventory" in answers["add-openapi"]
    assert "words_echo" in answers["add-mcp"]
    assert "shout" == json.loads(answers["upload"])["tools"][0]["name"]
    assert "upper" == json.loads(answers["search"])[0]["name"]
    assert "upper" == json.loads(answers["unregister"])[0]["name"]


def test_the_program_prints_what_it_should(server: Server) -> None:
    """
    A hosted tool, a session, a batch, a workflow and statistics.
    """
    shown = block(SECTION, "python").replace("127.0.0.1:50051", server.target)
    done = subprocess.run(
        [sys.executable, "-c", shown], capture_output=True, text=True, timeout=60, check=False
    )

    assert 0 == done.returncode, done.stderr
    resident, printed, batch, outputs, stats = filter(None, done.stdout.splitlines())
    assert ("720000", "42", "[42, 13]", "{'double': 26}") == (resident, printed, batch, outputs)
    assert ["4", "0%"] == stats.split()[:2]


def rows() -> list[list[str]]:
    table = README.partition("| Service | for |")[2].partition("\n\n")[0]
    return [line.split("|") for line in table.splitlines()[2:]]


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    [inner] = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(inner.choices)


def test_every_service_and_every_command_is_listed() -> None:
    """
    What is not listed is not found.
    """
    contract = "".join(each.read_text() for each in (ROOT / "proto/toolcell/v1").glob("*.proto"))
    services = set(re.findall(r"^service (\w+)", contract, re.MULTILINE))
    known = commands(program._parser())
    of_tools = README.partition("Of `tools` there are")[2].partition(".")[0]

    assert services == {name for row in rows() for name in re.findall(r"`(\w+)`", row[1])}
    assert set(known) == {name for row in rows() for name in re.findall(r"`(\w+)`", row[3])}
    assert set(commands(known["tools"])) == set(re.findall(r"`([a-z-]+)`", of_tools))
