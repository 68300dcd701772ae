"""
The environment wall: the declared variables and no others.

Clearing `os.environ` does not clean what the kernel shows of the process (/proc/PID/environ reads
the memory it was exec'd with, proc(5)): the server execs the zygote with a clean environment, and
nothing secret is ever put into it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def declare(variables: Mapping[str, str]) -> None:
    """
    Make these the whole environment, ours and that of programs we run.

    Raises:
        ValueError, OSError: a name or a value cannot be in an environment (a NUL, a "=").
    """
    os.environ.clear()
    os.environ.update(variables)
