"""
Tools to make work of; each leaves a trace of every run outside its cell, if it is given a file.
"""

import os
import time
from typing import Any

from toolcell_worker import ToolError, tool, writes


def _trace(path: str, line: str, after: float = 0.0) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())
    time.sleep(after)


@tool(effects="writes", paths=[writes("{path}")])
def append(path: str, line: str, after: float = 0.0) -> dict[str, str]:
    """
    Add a line to a file, which must not happen twice.

    Args:
        path: The file, which exists.
        line: The line.
        after: Seconds until it returns.
    """
    _trace(path, line, after)
    return {"line": line}


@tool(effects="writes", paths=[writes("{path}")], approval="approve")
def append_approved(path: str, line: str) -> dict[str, str]:
    """
    The same if somebody else says so.

    Args:
        path: The file, which exists.
        line: The line.
    """
    _trace(path, line)
    return {"line": line}


@tool(effects="writes", idempotent=True, paths=[writes("{path}")])
def append_again(path: str, line: str, after: float = 0.0) -> dict[str, str]:
    """
    The same for who does not mind.

    Args:
        path: The file, which exists.
        line: The line.
        after: Seconds until it returns.
    """
    _trace(path, line, after)
    return {"line": line}


@tool(effects="writes", idempotent=True, paths=[writes("{path}")])
def fail_until(path: str, count: int) -> int:
    """
    Fail until there are so many lines, and add one.

    Args:
        path: The file, which exists.
        count: How many lines.
    """
    with open(path) as file:
        lines = len(file.readlines())
    _trace(path, "tried")
    if lines < count:
        raise ToolError("not yet", code="NOT_YET", category="temporary", retryable=True)
    return lines


@tool(effects="read_only")
def split(text: str) -> list[str]:
    """
    The words of a text.

    Args:
        text: The text.
    """
    return text.split()


@tool(effects="read_only")
def same(value: Any) -> Any:
    """
    Return what it is given.

    Args:
        value: Anything.
    """
    return value


@tool(effects="read_only")
def fail(message: str = "as asked") -> str:
    """
    Fail.

    Args:
        message: How it says so.
    """
    raise ToolError(message, code="ASKED", category="user")
