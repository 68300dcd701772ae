"""
Tools that look around in their cell.
"""

import os
import sys
from pathlib import Path
from typing import Any

from toolcell_worker import reads, stages, tool, writes


@tool(effects="read_only")
def look_around() -> dict[str, Any]:
    """
    Say what this process finds.
    """
    return {
        "pid": os.getpid(),
        "user": os.getuid(),
        "folder": os.getcwd(),
        "environment": sorted(os.environ),
        "modules": sorted({name.partition(".")[0] for name in sys.modules}),
        "descriptors": _open_descriptors(),
    }


@tool(effects="read_only")
def run_code(code: str) -> Any:
    """
    Run code; `result` in it is the result.

    Args:
        code: The code.
    """
    names: dict[str, Any] = {}
    exec(code, names)
    return names.get("result")


@tool(effects="read_only", profile="subprocess")
def run_code_with_programs(code: str) -> Any:
    """
    Run code that may fork and start programs.

    Args:
        code: The code.
    """
    names: dict[str, Any] = {}
    exec(code, names)
    return names.get("result")


@tool(effects="read_only", paths=[reads("{path}")])
def read(path: str) -> str:
    """
    Read a file.

    Args:
        path: The file.
    """
    return Path(path).read_text()


@tool(effects="writes", paths=[writes("{path}")])
def overwrite(path: str, text: str, mode: int = 0) -> str:
    """
    Write into an existing file in place.

    Args:
        path: The file.
        text: What to write.
        mode: File mode to set afterwards; 0 leaves it.
    """
    Path(path).write_text(text)
    if mode:
        os.chmod(path, mode)
    return Path(path).read_text()


@tool(effects="writes", paths=[stages("{path}")])
def stage(path: str, text: str, then_fail: bool = False) -> str:
    """
    Append to a file that the server puts in place.

    Args:
        path: The file.
        text: What to append.
        then_fail: Raise after writing.
    """
    with open(path, "a") as file:
        file.write(text)
    if then_fail:
        raise RuntimeError("after writing")
    return Path(path).read_text()


def _open_descriptors() -> list[int]:
    found = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found
