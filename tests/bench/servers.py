"""
The servers under test: the echo that is the floor, and toolcell with settings of the benchmark's.

Default settings, unless a row says otherwise: then it needs a larger ceiling to ask its question
at all, and no wall is lower for it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from running_server import start, start_server

if TYPE_CHECKING:
    from running_server import Server

TOOLS = Path(__file__).parent / "tools"
BUNDLE = """
[[bundles]]
name = "bench"
path = "{tools}"
"""
# For the rows about size: what one call may print, take and give back.
LARGE = """
[limits.ceilings]
output_bytes = 2147483648
arguments_bytes = 12582912
result_bytes = 16777216
"""
# So many tools beside the one that is called; each has a schema of its own.
MANY = '''
from toolcell_worker import tool


@tool(effects="read_only")
def nothing() -> None:
    """Does nothing."""


def declare(number: int) -> None:
    def one(text: str, count: int = 1) -> str:
        return text * count

    described = f"Repeats a text; the {{number}}th of many."
    globals()[f"tool_{{number}}"] = tool(
        name=f"tool_{{number}}", description=described, effects="read_only"
    )(one)


for each in range({count}):
    declare(each)
'''


def echo(folder: Path) -> Server:
    """
    The floor.  Use as a context.
    """
    return start([sys.executable, "-m", "bench.echo_server"], folder / "echo.log")


def toolcell(
    folder: Path, name: str, settings: str = "", *, server: str = "", flags: tuple[str, ...] = ()
) -> Server:
    """
    A server with the benchmark's tools; `server` are lines of its [server] table.
    """
    return _started(folder / name, TOOLS, settings, server, flags)


def with_tools(folder: Path, count: int) -> Server:
    """
    A server with so many registered tools, `nothing` among them.
    """
    home = folder / f"tools-{count}"
    tools = home / "tools"
    tools.mkdir(parents=True)
    (tools / "many.py").write_text(MANY.format(count=count - 1))
    return _started(home, tools, "\n[builtin]\nenabled = false\n", "")


def _started(
    home: Path, tools: Path, settings: str, server: str, flags: tuple[str, ...] = ()
) -> Server:
    home.mkdir(parents=True, exist_ok=True)
    return start_server(home, settings + BUNDLE.format(tools=tools), server=server, flags=flags)
