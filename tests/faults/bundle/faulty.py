"""
Tools that do what a test tells them, in a folder that they were granted.
"""

import os
from pathlib import Path
from typing import Any

from toolcell_worker import Context, stages, tool, writes


@tool(effects="writes", profile="subprocess", paths=[writes("{folder}")])
def work(folder: str, code: str, context: Context) -> Any:
    """
    Run code; `result` in it is the result.

    Args:
        folder: The folder that the code may write.
        code: The code.
    """
    names: dict[str, Any] = {"folder": folder, "context": context}
    exec(code, names)
    return names.get("result")


@tool(effects="writes", paths=[stages("{first}"), stages("{second}")])
def stage(first: str, second: str, size: int) -> int:
    """
    Write two files that are put in place if this completes.

    Args:
        first: One file.
        second: The other.
        size: How large each of them seems; they are holes and no more.
    """
    for path in (first, second):
        with Path(path).open("wb") as file:
            os.ftruncate(file.fileno(), size)
    return size


@tool(effects="writes", paths=[stages("{path}")])
def write(path: str, size: int, context: Context) -> int:
    """
    Write a file that is put in place if this completes.

    Args:
        path: The file.
        size: How many bytes.
    """
    context.progress(message="writing")
    return Path(path).write_bytes(b"n" * size)


@tool(effects="read_only")
def fill(folder: str, mebibytes: int) -> int:
    """
    Fill a private folder of the cell.

    Args:
        folder: Where.
        mebibytes: How much, in files of a MiB.
    """
    for number in range(mebibytes):
        with open(f"{folder}/{number}", "wb", buffering=0) as file:
            written = file.write(bytes(2**20))
            if written < 2**20:
                file.write(b"x")  # now the error that says why
    return mebibytes
