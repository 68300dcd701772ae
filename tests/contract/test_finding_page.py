"""
The page about finding tools: its files, its commands and its Python, as it shows them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running_server import Server, start_server
from toolcell_client import AsyncClient, CallRefused, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/registry/finding.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for each, text in BLOCKS if each == kind]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page")
    (made / "count.toml").write_text(blocks("toml")[1])
    (made / "wrong.json").write_text(blocks("json")[0])
    (made / "wipe.json").write_text(blocks("json")[1])
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with start_server(folder, blocks("toml")[0]) as server:
        yield server
    assert "Traceback" not in server.log.read_text()


def typed(server: Server, folder: Path, line: str) -> tuple[int, str]:
    """
    A line of the page, as a shell takes it.
    """
    command = line.replace("toolcell ", f"{sys.executable} -m toolcell_client.cli ", 1)
    ended = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "TOOLCELL_TARGET": server.target},
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout


def lines(index: int) -> list[str]:
    return [line.removeprefix("$ ") for line in blocks("console")[index].splitlines()]


def test_the_page_as_it_is_read(server: Server, folder: Path) -> None:
    """
    From its first command to its last.
    """
    [line] = lines(0)
    assert 0 == typed(server, folder, line)[0]
    [line] = lines(1)
    code, out = typed(server, folder, line)
    assert 1 == code
    [tool] = json.loads(out)["files"][0]["tools"] if "files" in out else []
    told = {fault["path"]: fault["code"] for fault in tool["faults"]}
    said = re.search(r"here\nthey are (.*?)\.  What registers", PAGE, re.DOTALL)
    assert said
    assert told == dict(re.findall(r"`(/\S+)`\s`(\w+)`", said[1]))

    registering, searching = lines(2)
    assert 0 == typed(server, folder, registering)[0]
    code, out = typed(server, folder, searching)
    assert (0, "count_words") == (code, json.loads(out)[0]["name"])

    printed = io.StringIO()
    program = blocks("python")[0].replace("Client()", f"Client({server.target!r})")
    with contextlib.redirect_stdout(printed):
        exec(program, {})  # the page's own
    assert "['count_words'" in printed.getvalue()
    assert "'wrods': ['words']" in printed.getvalue()

    for line in lines(3):
        assert 0 == typed(server, folder, line)[0], line
    first = (folder / "tools.json").read_text()
    code, out = typed(server, folder, "toolcell tools export")
    assert (0, first) == (code, out)
    assert ["count_words@1"] == json.loads(first)["tools"][0]["names"]


def test_a_tool_is_there_where_its_conditions_hold(server: Server, folder: Path) -> None:
    assert 0 == typed(server, folder, "toolcell tools register wipe.json")[0]
    elsewhere: dict[str, Any] = json.loads(blocks("json")[1])
    elsewhere |= {"name": "wipe_elsewhere", "conditions": {"environments": ["production"]}}
    with Client(server.target) as client:
        client.registry.register([elsewhere])

        assert client.run("wipe_test_data").ok
        with pytest.raises(CallRefused, match="no tool"):
            client.run("wipe_elsewhere")
        assert ["wipe_test_data"] == [each.tool.name for each in client.search_tools("wipe").tools]


async def _found(target: str) -> list[str]:
    async with AsyncClient(target) as client:
        answer = await client.search_tools("evaluate arithmetic")
        return [each.tool.name for each in answer.tools]


def test_the_asynchronous_client_finds_the_same(server: Server) -> None:
    import asyncio

    with Client(server.target) as client:
        found = [each.tool.name for each in client.search_tools("evaluate arithmetic").tools]

    assert "calculate" == found[0]
    assert found == asyncio.run(_found(server.target))


@pytest.mark.parametrize("query", ["", "   ", "x" * 4001])
def test_a_query_that_is_none_is_refused(server: Server, query: str) -> None:
    with Client(server.target) as client, pytest.raises(CallRefused, match="query"):
        client.search_tools(query)


def test_a_python_tool_says_its_conditions(tmp_path: Path) -> None:
    """
    Authors write them as the page says, and a mistake is theirs to hear.
    """
    from toolcell_worker import tool
    from toolcell_worker.errors import DefinitionError

    def wipe() -> None:
        """
        Wipes.
        """

    made: Any = tool(conditions={"environments": ["staging"]})(wipe)
    assert ["staging"] == made.tool_definition.manifest["conditions"]["environments"]
    with pytest.raises(DefinitionError, match="known keys are environments"):
        tool(conditions={"environment": "staging"})(wipe)
