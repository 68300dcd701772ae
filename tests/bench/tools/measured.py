"""
The tools that the benchmark calls.  Each does one thing, so that the rest of a call is ours.
"""

import os
import time
from collections.abc import Iterator

from toolcell_worker import tool

PIECE = b"x" * 65536
MANY = {"output_bytes": 2 * 2**30, "wall_seconds": 120.0, "cpu_seconds": 60.0}
LARGE = {"arguments_bytes": 12 * 2**20, "result_bytes": 16 * 2**20}


@tool(effects="read_only")
def nothing() -> None:
    """
    Does nothing: what remains is the price of the cell.
    """


@tool(effects="read_only", limits={"wall_seconds": 250.0})
def sleep(seconds: float) -> None:
    """
    Waits, as for an answer from elsewhere.

    Args:
        seconds: How long.
    """
    time.sleep(seconds)


@tool(effects="read_only")
def burn(loops: int) -> int:
    """
    Computes; `bench.working` does the very same outside of a cell.

    Args:
        loops: How often.
    """
    value = 0
    for number in range(loops):
        value = (value + number * number) & 0xFFFF
    return value


@tool(effects="read_only", limits=MANY)
def flood(count: int) -> None:
    """
    Writes to stdout, 64 KiB at a time.

    Args:
        count: How many bytes.
    """
    while count > 0:
        count -= os.write(1, PIECE[:count])


@tool(effects="read_only", limits=MANY)
def partials(count: int) -> Iterator[int]:
    """
    Yields numbers, each an event.

    Args:
        count: How many.
    """
    yield from range(count)


@tool(effects="read_only", limits=LARGE)
def swallow(text: str) -> int:
    """
    Takes a large argument.

    Args:
        text: Of any length.
    """
    return len(text)


@tool(effects="read_only", limits=LARGE)
def make(size: int) -> str:
    """
    Returns a large result.

    Args:
        size: How many characters.
    """
    return "x" * size
