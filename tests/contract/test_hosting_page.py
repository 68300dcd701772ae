"""
The page about hosting: its example is a program that hosts, and is called.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_server import start_server
from toolcell_client import Client
from toolcell_server.settings.hosts import HostsSettings
from waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/registry/hosting.md").read_text()
TOML, PYTHON = (
    re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0] for language in ("toml", "python")
)
COMMANDS = {
    "the program itself": [sys.executable],
    "toolcell host": [sys.executable, "-m", "toolcell_client.cli", "host"],
}


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    with start_server(tmp_path, TOML) as server:
        yield server.target


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_example_hosts_what_it_says(tmp_path: Path, target: str, command: list[str]) -> None:
    (tmp_path / "look_up.py").write_text(PYTHON)
    environment = {"TOOLCELL_TARGET": target, "PATH": "/usr/bin"}
    program = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command, str(tmp_path / "look_up.py")], env=environment
    )
    try:
        with Client(target) as client:
            wait_until(lambda: any(tool.hosted for tool in client.list_tools()))
            called = subprocess.run(
                [sys.executable, "-m", "toolcell_client.cli", "call", "look_up", "city=Oslo"],
                env=environment,
                capture_output=True,
                check=True,
            )
            unknown = client.run("look_up", {"city": "Atlantis"}).outcome
            counted = client.run("count", {"most": 3})
    finally:
        program.terminate()
        code = program.wait(20 * PATIENCE)

    assert {"people": 720_000} == json.loads(called.stdout)
    assert ("UNKNOWN_CITY", "Try Rome or Oslo.") == (unknown.failed.code, unknown.hint)
    assert ("done", 0) == (counted.value, code)


def test_every_setting_is_listed_with_its_default() -> None:
    table = PAGE.partition("## Settings")[2]
    for name, value in ((name, getattr(HostsSettings(), name)) for name in HostsSettings.__slots__):
        row = next(line for line in table.splitlines() if f"`hosts.{name}`" in line)
        assert f"`{str(value).lower().removesuffix('.0')}`" in row


def test_a_command_that_offers_nothing_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    for file, said in (
        ("empty.py", "mark functions with @hosted"),
        ("broken.py", "ModuleNotFound"),
    ):
        command = [*COMMANDS["toolcell host"], str(tmp_path / file)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert 2 == ended.returncode
        assert said in ended.stderr
