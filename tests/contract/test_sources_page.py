"""
The page about where tools come from: what it shows is what a server does.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plain_calls import toolcell
from running_server import Server, start_server
from toolcell_client import Client
from zipping import zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/registry/sources.md").read_text()
HELLO = (
    "def hello(): return 'hello'\nhello.tool_definition = {'name': 'hello', 'description': 'x'}\n"
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page")
    for name, mode in (("tools", 0o755), ("state", 0o700), ("server", 0o755)):
        (place / name).mkdir(mode=mode)
    (place / "tools" / "shout.py").write_text(blocks("python")[0])
    return place


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    """
    The settings of the page, but for its places, and with the key that its commands make.
    """
    commands = blocks("sh")[1].splitlines()
    for line in commands[:2]:
        done = subprocess.run(
            shlex.split(line, comments=True), cwd=place, check=True, capture_output=True, text=True
        )
    folder, installed, uploads = blocks("toml")
    settings = uploads + folder + installed.replace('python = "/srv/acme/bin/python"', "")
    settings = settings.replace("/srv/tools", f"{place}/tools")
    settings = settings.replace('state_dir = "/var/lib/toolcell"', "")
    key = "".join(done.stdout.splitlines()[1:-1])
    settings = re.sub(r'public_key = ".*"', f'public_key = "{key}"', settings)
    flags = ("--set", f"state_dir={place}/state")
    with start_server(place / "server", settings, flags=flags) as one:
        yield one


def test_the_callable_of_the_page_is_a_tool_and_reloads(server: Server, place: Path) -> None:
    with Client(server.target) as client:
        assert "HI!" == client.run("shout", {"word": "hi"}).raise_for_outcome().value
        (place / "tools" / "shout.py").write_text(blocks("python")[0].replace('"!"', '"?"'))
        (command,) = blocks("sh")[0].splitlines()
        ended = toolcell(server.target, *shlex.split(command)[1:])

        assert 0 == ended.returncode, ended.stderr
        assert "HI?" == client.run("shout", {"word": "hi"}).raise_for_outcome().value


def test_an_entry_point_that_is_not_installed_is_named(server: Server) -> None:
    with Client(server.target) as client:
        assert "has an entry point 'search'" in client.get_tool("search").broken_reason


def test_the_commands_of_the_page_upload(server: Server, place: Path) -> None:
    (place / "tools.py").write_text(HELLO)
    words = shlex.split(blocks("sh")[1].splitlines()[2])[1:]
    ended = toolcell(server.target, *words, cwd=place)

    assert 0 == ended.returncode, ended.stderr
    with Client(server.target) as client:
        assert "hello" == client.run("hello").raise_for_outcome().value


def test_the_python_of_the_page_uploads_and_registers(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    settings = "[registry]\nenabled = true\nrequire_signature = false\n"
    flags = ("--set", f"state_dir={tmp_path}/state")
    with (
        start_server(tmp_path, settings, flags=flags) as server,
        Client(server.target) as client,
    ):
        exec(blocks("python")[1], {"client": client, "content": zipped({"hello.py": HELLO})})

        assert "hello" == client.run("hello").raise_for_outcome().value
