"""
The tools of the battery's bundle: any attack, and something harmless.
"""

from __future__ import annotations

import ctypes
from typing import Any

from toolcell_worker import reads, stages, tool, writes
from toolcell_worker.battery import hostile

PATHS = [reads("{reads}"), writes("{writes}"), stages("{stages}")]
SET_NAME = 15  # prctl(2): the name of the process, which whoever looks for it outside can read


@tool(effects="destructive", paths=PATHS)
def attempt(  # noqa: PLR0917  # arguments of a tool go by name
    attack: str,
    plan: dict[str, Any],
    marker: str,
    reads: list[str] | None = None,
    writes: list[str] | None = None,
    stages: list[str] | None = None,
) -> Any:
    """
    Run hostile code.

    Args:
        attack: Its module and function.
        plan: What it is told.
        marker: The name that its process gets.
        reads: Paths that it may read.
        writes: Paths that it may write.
        stages: Files that it may stage.
    """
    del reads, writes, stages  # they are granted by the manifest
    return marked(attack, plan, marker)


@tool(effects="destructive", profile="subprocess", paths=PATHS)
def attempt_with_programs(  # noqa: PLR0917  # as above
    attack: str,
    plan: dict[str, Any],
    marker: str,
    reads: list[str] | None = None,
    writes: list[str] | None = None,
    stages: list[str] | None = None,
) -> Any:
    """
    Run hostile code that may fork and start programs.

    Args:
        attack: Its module and function.
        plan: What it is told.
        marker: The name that its process gets.
        reads: Paths that it may read.
        writes: Paths that it may write.
        stages: Files that it may stage.
    """
    del reads, writes, stages  # they are granted by the manifest
    return marked(attack, plan, marker)


@tool(effects="read_only", idempotent=True)
def add(a: int, b: int) -> int:
    """
    Add two numbers: the harmless call that shows that the service still serves.

    Args:
        a: One.
        b: The other.
    """
    return a + b


def marked(attack: str, plan: dict[str, Any], marker: str) -> Any:
    """
    Run hostile code in a process that can be told by its name.
    """
    ctypes.CDLL(None).prctl(SET_NAME, marker.encode(), 0, 0, 0)
    return hostile.perform(attack, plan)
