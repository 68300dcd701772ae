"""
Reads how the host bears what runs (proc_loadavg(5), proc_meminfo(5), proc_pressure(5)).

The three files cost about 50 µs together; /proc/stat, which also knows who wants to run, costs more
the more processors and interrupts there are.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from toolcell_server.concurrency import Load

_LOAD: Final = Path("/proc/loadavg")
_MEMORY: Final = Path("/proc/meminfo")
_PRESSURE: Final = Path("/proc/pressure/memory")


def read() -> Load | None:
    """
    None: this host does not say.
    """
    with contextlib.suppress(OSError, ValueError, IndexError, KeyError):
        memory = _sizes(_MEMORY.read_text(encoding="ascii"))
        return Load(
            runnable=int(_LOAD.read_text(encoding="ascii").split()[3].partition("/")[0]),
            available_bytes=memory["MemAvailable"],
            total_bytes=memory["MemTotal"],
            stalled_percent=_stalled_percent(),
        )
    return None


def _sizes(text: str) -> dict[str, int]:
    """
    The first lines `Name: number kB`, in bytes.
    """
    pairs = (line.partition(":") for line in text.splitlines()[:4])
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in pairs}


def _stalled_percent() -> float:
    """
    0 where the kernel does not measure it.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        some = _PRESSURE.read_text(encoding="ascii").split()[1]  # some avg10=0.00 …
        return float(some.removeprefix("avg10="))
    return 0.0
