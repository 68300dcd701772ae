"""
A tool that leaves a trace of every run outside its cell.
"""

import os
import time

from toolcell_worker import tool, writes


@tool(effects="writes", paths=[writes("{path}")])
def append(path: str, line: str, before: float, after: float) -> str:
    """
    Add a line to a file.

    Args:
        path: The file, which exists.
        line: The line, short enough to be written at one go.
        before: Seconds until then.
        after: Seconds from then on.
    """
    time.sleep(before)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())
    time.sleep(after)
    return line
