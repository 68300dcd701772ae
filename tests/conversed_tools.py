"""
A real server for conversations: a tool that adds, one that fails, one that a person has to say yes
to, and one with much to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from running_server import Server, start_server

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = '''
from toolcell_worker import ToolError, tool

@tool(effects="read_only")
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b

@tool(effects="read_only")
def divide(a: int, b: int) -> float:
    """Divides a number by another."""
    if b == 0:
        raise ToolError("b is zero", hint="Choose another b.")
    return a / b

@tool(approval="confirm")
def mail(to: str) -> str:
    """Sends a mail."""
    return f"sent to {to}"

@tool(effects="read_only")
def recite() -> list[str]:
    """Recites a long poem."""
    return [f"verse {number}: " + "la " * 20 for number in range(2_000)]
'''


def serve(folder: Path) -> Server:
    """
    Start it.
    """
    for name in ("tools", "server"):
        (folder / name).mkdir()
    (folder / "tools" / "mine.py").write_text(TOOLS)
    bundle = f'[[bundles]]\nname = "mine"\npath = "{folder}/tools"\n'
    return start_server(folder / "server", bundle)
