"""
The page about `toolcell mcp`, typed as it stands there.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import mcp_bridge
import pytest
from identities import ALICE, token
from mcp import StdioServerParameters
from mcp_bridge import client_of
from running_server import Server, start_server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/orchestrators/mcp.md").read_text()
TARGET, LISTEN, FILE = "127.0.0.1:50051", "127.0.0.1:8080", "/etc/toolcell/token"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    It asks who calls, and nobody in particular may calculate.
    """
    settings = '[rights]\nanonymous_roles = ["guest"]\n'
    settings += '[[roles]]\nname = "guest"\ntools = ["calculate"]\n'
    with start_server(tmp_path_factory.mktemp("server"), settings) as one:
        yield one


def test_the_settings_of_a_client_start_the_bridge(tmp_path: Path) -> None:
    """
    With the token of the principal that it serves.
    """
    (tmp_path / "token").write_text(ALICE)
    (tmp_path / "token").chmod(0o600)
    with start_server(tmp_path, token("alice", ALICE, 'scopes = ["tools:calculate"]')) as one:
        said = block("json").replace(TARGET, one.target).replace(FILE, str(tmp_path / "token"))
        program = json.loads(said)["mcpServers"]["toolcell"]
        command = Path(sys.executable).parent / program["command"]
        place = StdioServerParameters(command=str(command), args=program["args"])

        async def names() -> list[str]:
            async with asyncio.timeout(60), client_of(place, "auto") as client:
                return [each.name for each in (await client.list_tools()).tools]

        assert ["calculate"] == asyncio.run(names())


def test_the_program_calls_what_the_command_serves(server: Server) -> None:
    """
    Both as they are, but for the ports.
    """
    words = shlex.split(block("sh").replace(TARGET, server.target).replace(LISTEN, "127.0.0.1:0"))
    assert ["toolcell", "mcp", "--target", server.target] == words[:4]
    with mcp_bridge.over_http(server.target, *words[4:]) as url:
        program = block("python").replace(f"http://{LISTEN}/mcp", url)
        ended = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert ("1 tools\n42\n", 0) == (ended.stdout, ended.returncode), ended.stderr


def test_every_flag_is_listed() -> None:
    """
    One that nobody knows of is not used.
    """
    own = [sys.executable, "-m", "toolcell_client.cli"]
    told, common = (
        subprocess.run([*own, *words], capture_output=True, text=True, check=True).stdout
        for words in (["mcp", "--help"], ["ps", "--help"])
    )
    flags = set(re.findall(r"--[a-z-]+", told)) - set(re.findall(r"--[a-z-]+", common))

    assert len(flags) >= 9
    assert set() == {flag for flag in flags if f"`{flag}`" not in PAGE}
