"""
What the README and the index of docs/orchestrators say of models: typed, and whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from example_programs import EXAMPLES, ROOT, SHOWN_FOLDER
from mcp import Client, StdioServerParameters
from running_server import Server, start_server
from toolcell_client.testing.providers import Calls, ProviderServer, Says, Then

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (ROOT / "README.md").read_text()
SECTION = README.partition("## Any LLM in five lines")[2].partition("\n## ")[0]
DOCS = ROOT / "docs/orchestrators"
INDEX = (DOCS / "README.md").read_text()
BIN = Path(sys.executable).parent


def block(page: str, language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server")) as one:
        yield one


def test_three_clients_have_one_loop(server: Server) -> None:
    """
    The program as it stands; only the environment says where the providers are.
    """
    steps = (
        Calls(("calculate", {"expression": "19 * 23"})),
        Then(lambda view: Says(f"It is {view.results[0].value['value']}.")),
    )
    with ProviderServer() as provider:
        provider.script(steps * 3)
        place = {
            "OPENAI_BASE_URL": provider.openai_base_url,
            "ANTHROPIC_BASE_URL": provider.anthropic_base_url,
            "GOOGLE_GEMINI_BASE_URL": provider.gemini_base_url,
        }
        keys = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"), "any")
        ran = subprocess.run(
            [sys.executable, "-c", block(SECTION, "python")],
            env={**os.environ, **place, **keys, "TOOLCELL_TARGET": server.target},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert 0 == ran.returncode, ran.stderr
    names = ("gpt-5.5", "claude-sonnet-5-5", "gemini-3.8-flash")
    assert [f"{name} It is 437." for name in names] == ran.stdout.splitlines()


def test_the_settings_of_an_mcp_client_start_the_bridge(server: Server) -> None:
    said = json.loads(block(SECTION, "json"))["mcpServers"]["toolcell"]
    place = StdioServerParameters(
        command=str(BIN / said["command"]),
        args=said["args"],
        env={"TOOLCELL_TARGET": server.target},
    )

    async def names() -> list[str]:
        async with asyncio.timeout(60), Client(place) as client:
            return [each.name for each in (await client.list_tools()).tools]

    assert "calculate" in asyncio.run(names())


def test_the_imports_of_the_frameworks_work() -> None:
    """
    And each extra exists.
    """
    rows = re.findall(r"^\| [^|]+ \| (\S+) \| `(from .*)` \|$", SECTION, re.MULTILINE)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for _, line in rows:
        exec(line, {})

    assert 4 == len(rows)
    assert {extra.strip("`") for extra, _ in rows} - {"none"} <= {*extras["optional-dependencies"]}


def test_the_providers_are_those_that_there_are() -> None:
    """
    Voice is another row.
    """
    from toolcell_client.formats.providers import PROVIDERS

    text = SECTION.partition("speak Chat")[2].partition("`Conversation`")[0]
    assert {*PROVIDERS} - {"openai-realtime"} == set(re.findall(r"`([a-z-]+)`", text))


def test_every_page_is_in_the_index() -> None:
    pages = {each.name for each in DOCS.glob("*.md")} - {"README.md"}
    links = re.findall(r"\]\(([^)#:]+)\)", INDEX)

    assert pages == {link for link in links if "/" not in link}
    assert [] == [link for link in links if not (DOCS / link).exists()]


def test_every_example_is_in_the_index() -> None:
    table = INDEX.partition("| file in `examples/` |")[2].partition("\n\n")[0]
    programs = {each.name for each in EXAMPLES.glob("*.py")} - {"offline.py", "own_functions.py"}

    assert programs == set(re.findall(r"`(\w+\.py)`", table))


def test_the_commands_of_the_index_are_true(tmp_path: Path) -> None:
    """
    The folder is the one of the settings, the command starts a server with them, and says so.
    """
    mkdir, serve, example = "".join(re.findall(r"```sh\n(.*?)```", INDEX, re.DOTALL)).splitlines()
    settings = (ROOT / serve.split()[3]).read_text()
    (tmp_path / "settings.toml").write_text(settings.replace(SHOWN_FOLDER, str(tmp_path)))
    words = [str(BIN / "toolcell"), "serve", "--config", str(tmp_path / "settings.toml")]
    free = ("--set", "server.listen=127.0.0.1:0", "--set", "server.metrics_listen=")

    assert f"mkdir -p {SHOWN_FOLDER}" == mkdir
    assert ".venv/bin/toolcell serve --config" == " ".join(serve.split()[:3])
    assert ".venv/bin/python" == example.split()[0]
    assert (ROOT / example.split()[1]).exists()
    program = subprocess.Popen([*words, *free], stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout
        assert "listening" in json.loads(program.stdout.readline())
    finally:
        program.terminate()
        program.communicate(timeout=30)


def test_the_environment_of_the_index_is_that_of_the_examples() -> None:
    offline = (EXAMPLES / "offline.py").read_text()

    for each in set(re.findall(r"`([A-Z]+_[A-Z_]+)`", INDEX)) - {"TOOLCELL_TARGET"}:
        assert f'"{each}"' in offline
