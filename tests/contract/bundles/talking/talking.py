"""
Tools that a test leads by files: they go on when the file is there that they wait for.
"""

import os
import sys
import time
from collections.abc import Generator
from pathlib import Path

from toolcell_worker import Context, ToolError, reads, tool


def _await(folder: str, *names: str) -> None:
    while not any(Path(folder, name).exists() for name in names):
        time.sleep(0.005)


@tool(effects="read_only", paths=[reads("{folder}")])
def count(folder: str, to: int, context: Context) -> int:
    """
    Count aloud; go on from a number when its file is there, or the file `on`.

    Args:
        folder: Where the files are.
        to: The last number.
    """
    for number in range(1, to + 1):
        print(number, flush=True)
        context.progress(number / to, f"{number} of {to}")
        _await(folder, str(number), "on")
    return to


@tool(effects="read_only", paths=[reads("{folder}")])
def shout(folder: str, lines: int) -> int:
    """
    Write lines of 1000 bytes to both streams, half of them when the file `on` is there.

    Args:
        folder: Where the file is.
        lines: How many to each stream.
    """
    for number in range(lines):
        if number == lines // 2:
            _await(folder, "on")
        for stream in (sys.stdout, sys.stderr):
            stream.write(f"{number:0999d}\n")
            stream.flush()
    return lines


@tool(effects="read_only")
def values(to: int) -> Generator[dict[str, int], None, int]:
    """
    Yield squares, and return how many.

    Args:
        to: The last number that is squared.
    """
    for number in range(1, to + 1):
        yield {"number": number, "square": number * number}
    return to


@tool(effects="read_only")
def stumble(then: str) -> None:
    """
    End badly.

    Args:
        then: "raise", "explain", "exit" or "abort".
    """
    print("about to stumble")
    if then == "exit":
        os._exit(3)
    if then == "abort":
        os.abort()
    if then == "explain":
        raise ToolError(
            "the spoon is bent",
            code="BENT",
            category="temporary",
            retryable=True,
            hint="Try again.",
        )
    raise KeyError("spoon")


@tool(effects="read_only")
def letters(kibibytes: int) -> str:
    """
    Return a long text.

    Args:
        kibibytes: How long.
    """
    return "x" * (kibibytes * 1024)


@tool(effects="read_only")
def remaining(context: Context) -> float:
    """
    Tell the seconds that are left for this execution.
    """
    return context.remaining()
