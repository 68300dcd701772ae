"""
Ordinary tools, for a test to end in every way there is.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from toolcell_worker import Context, ToolError, reads, stages, tool

LONG = 600


@tool(effects="read_only", paths=[reads("{folder}")])
def await_file(folder: str, name: str, context: Context) -> str:
    """
    Wait until there is a file of this name, and tell what is in it.

    Args:
        folder: Where to look.
        name: What to look for.
    """
    return _await_file(folder, name, context)


@tool(effects="writes", paths=[reads("{folder}")])
def await_file_and_write(folder: str, name: str, context: Context) -> str:
    """
    The same for a tool that may have done something in between.

    Args:
        folder: Where to look.
        name: What to look for.
    """
    return _await_file(folder, name, context)


def _await_file(folder: str, name: str, context: Context) -> str:
    print("waiting", flush=True)
    context.progress(message="waiting")
    file = Path(folder, name)
    while not file.exists():
        time.sleep(0.01)
    return file.read_text()


@tool(effects="read_only")
def echo(text: str) -> str:
    """
    Return a text.

    Args:
        text: The text.
    """
    return text


@tool(effects="read_only")
def fail(how: str) -> str:
    """
    Fail.

    Args:
        how: "raise", "error", "exit", "signal" or "thread".
    """
    match how:
        case "raise":
            raise ValueError("as asked")
        case "error":
            raise ToolError("as asked", code="ASKED", category="user")
        case "exit":
            os._exit(3)
        case "signal":
            os.abort()
    return how


@tool(effects="read_only")
def sleep_on(context: Context) -> str:
    """
    Sleep.
    """
    context.progress(message="sleeping")
    time.sleep(LONG)
    return "slept"


@tool(effects="read_only")
def hoard() -> int:
    """
    Take all the memory.
    """
    return len([bytearray(2**20) for _ in range(2**20)])


@tool(effects="read_only")
def print_much(size: int) -> Iterator[int]:
    """
    Print, and yield in between.

    Args:
        size: How many bytes.
    """
    for number in range(8):
        print("x" * (size // 8))
        yield number


@tool(effects="read_only")
def answer_much(size: int) -> str:
    """
    Return a large text.

    Args:
        size: How many bytes.
    """
    return "x" * size


@tool(effects="writes", paths=[stages("{path}")])
def stage(path: str, text: str, then: str = "") -> int:
    """
    Write a file that is put in place if this completes.

    Args:
        path: The file.
        text: What to write.
        then: "fail", to fail after it.
    """
    written = Path(path).write_text(text)
    if then == "fail":
        raise RuntimeError("after writing")
    return written


@tool(effects="read_only", profile="subprocess")
def leave_daemons(count: int) -> int:
    """
    Return, and leave processes behind.

    Args:
        count: How many.
    """
    for _ in range(count):
        if os.fork() == 0:
            os.setsid()
            time.sleep(LONG)
            os._exit(0)
    return count


@tool(effects="read_only", profile="subprocess")
def sleep_with_daemons(context: Context) -> int:
    """
    Sleep, with processes that left the session.
    """
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            time.sleep(LONG)
            os._exit(0)
    context.progress(message="sleeping")
    time.sleep(LONG)
    return 3
