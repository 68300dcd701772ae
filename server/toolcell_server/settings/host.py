"""
What this host can carry: the default of how many executions run at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import psutil

from toolcell_server.limits import Limits

_PER_CORE: Final = 4  # arbitrary; tools wait more than they compute
_SHARE_OF_MEMORY: Final = 0.8  # the rest is the server's, the zygotes' and the host's
_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def executions() -> int:
    """
    As many as the cores carry, and as memory does if every one of them takes all it may.
    """
    fitting = int(memory_bytes() * _SHARE_OF_MEMORY / Limits().memory_bytes)
    return max(1, min(_PER_CORE * len(os.sched_getaffinity(0)), fitting))


def memory_bytes() -> int:
    """
    The memory of this host, or of the container that we are in.
    """
    total = int(psutil.virtual_memory().total)
    try:
        limit = _CGROUP_LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total
