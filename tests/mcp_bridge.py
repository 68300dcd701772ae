"""
`toolcell mcp` as a program, and the tools that its tests call.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from running_server import READY_SECONDS, STOP_SECONDS, _line, start_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

MODES = ["auto", "legacy"]
NEWEST = "2026-07-28"
TOOLS = '''
from typing import Any
from toolcell_worker import Context, tool

@tool(effects="read_only", tags=["small"])
def echo(value: Any) -> Any:
    """Returns what it is given."""
    return value

@tool(category="numbers", tags=["small"])
def perhaps(number: int) -> int | None:
    """Returns a number, or nothing for 0."""
    return number or None

@tool(category="numbers", idempotent=True)
def double(number: int) -> int:
    """Doubles."""
    return 2 * number

@tool
def steps(context: Context, count: int) -> str:
    """Tells how far it is, back and forth."""
    print("a word in between")
    context.log("it begins", count=count)
    for number in range(count):
        context.progress((number + 1) / (count + 1), f"step {number + 1}")
    context.progress(0.1, "back")
    context.partial({"half": count / 2})
    return "done"

@tool(limits={"wall_seconds": 60})
def stay(context: Context) -> None:
    """Stays."""
    import time
    context.progress(0.5, "here")
    time.sleep(50)

@tool
def fail() -> dict[str, int]:
    """Fails."""
    raise ValueError("it broke")

@tool
def much(size: int) -> str:
    """Returns much."""
    return "x" * size

@tool
def broken_letters() -> dict[str, str]:
    """Returns half a character."""
    return {"half": chr(0xD83D)}

@tool
def deep(levels: int) -> list:
    """Returns what is nested."""
    value: list = []
    for _ in range(levels):
        value = [value]
    return value

@tool(approval="confirm", effects="destructive", domains=["example.com:443"])
def mail(to: str) -> str:
    """Sends a mail."""
    return f"sent to {to}"

@tool(approval="approve")
def pay(amount: int) -> str:
    """Pays."""
    return f"paid {amount}"
'''


def bundle(folder: Path) -> str:
    """
    The settings of a server that has these tools; `folder` is empty.
    """
    (folder / "tools").mkdir()
    (folder / "tools" / "mine.py").write_text(TOOLS)
    return f'[[bundles]]\nname = "mine"\npath = "{folder}/tools"\n'


def command(target: str, *flags: str) -> list[str]:
    return [sys.executable, "-m", "toolcell_client.cli", "mcp", "--target", target, *flags]


def over_stdio(target: str, *flags: str, **environment: str) -> StdioServerParameters:
    """
    What the SDK's client starts.
    """
    program, *arguments = command(target, *flags)
    return StdioServerParameters(command=program, args=arguments, env={**os.environ, **environment})


@contextlib.contextmanager
def over_http(target: str, *flags: str) -> Iterator[str]:
    """
    The URL of a bridge that serves HTTP for as long as the context lasts, and that ends well.
    """
    listen = [] if "--http" in flags else ["--http", "127.0.0.1:0"]
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command(target, *listen, *flags)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    try:
        said = _line(process.stderr, READY_SECONDS)
        assert "MCP at http" in said, said + process.stderr.read()
        yield said.split()[-1]
        process.terminate()
        rest = process.communicate(timeout=STOP_SECONDS)[1]
        assert process.returncode == 143, rest
        assert rest.endswith("toolcell: terminated\n"), rest
        assert not re.search("Traceback|tc_|Bearer", rest), rest
    finally:
        process.kill()
        process.communicate()


@contextlib.asynccontextmanager
async def client_of(server: Any, mode: str, token: str = "", **how: Any) -> AsyncIterator[Client]:
    """
    The SDK's client, of a URL or of what `over_stdio` says.
    """
    async with contextlib.AsyncExitStack() as opened:
        if isinstance(server, str):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            http = await opened.enter_async_context(
                httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False)
            )
            server = streamable_http_client(server, http_client=http)
        yield await opened.enter_async_context(Client(server, mode=mode, **how))


def text_of(result: types.CallToolResult) -> str:
    """
    The first block.
    """
    first = result.content[0]
    assert isinstance(first, types.TextContent)
    return first.text


@dataclass(frozen=True)
class Bridged:
    """
    A toolcell server with the tools above, its folder, and a bridge of it over HTTP.
    """

    target: str
    url: str
    folder: Path

    def place(self, transport: str, *flags: str) -> Any:
        """
        What a client is pointed at: "stdio" or "http".
        """
        return self.url if transport == "http" else over_stdio(self.target, *flags)


@contextlib.contextmanager
def bridged(folder: Path, settings: str = "", *flags: str) -> Iterator[Bridged]:
    """
    Both, for as long as the context lasts.  Files below `folder/files` may be written.
    """
    (folder / "files").mkdir()
    (folder / "files").chmod(0o777)
    roots = f'[policy]\nroots = [{{ path = "{folder}/files", access = "write" }}]\n'
    whole = f"{roots}{bundle(folder)}{settings}"
    with start_server(folder, whole) as server, over_http(server.target, *flags) as url:
        yield Bridged(server.target, url, folder)


def ways() -> pytest.MarkDecorator:
    """
    Every transport, in both eras.
    """
    pairs = [(transport, mode) for transport in ("stdio", "http") for mode in MODES]
    return pytest.mark.parametrize(("transport", "mode"), pairs)


def eras() -> pytest.MarkDecorator:
    """
    Both eras, over the transport that starts no program for each test: for what no transport
    changes.
    """
    return pytest.mark.parametrize(("transport", "mode"), [("http", mode) for mode in MODES])
