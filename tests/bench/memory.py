"""
What memory processes take, by the kernel's own account.

Theory of operation.  PSS divides a shared page among those who map it.  The sum over *all*
processes of a server is therefore what they take together, and what ends with some of them is the
difference of two such sums: no guess of what they shared is needed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from processes import descendants, named
from waiting import wait_until

KIBIBYTE = 1024


def pss(pids: list[int]) -> int:
    """
    Bytes of PSS of these processes together; one that has ended has none.
    """
    return sum(_rollup(pid) for pid in pids)


def _rollup(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * KIBIBYTE if found else 0


def available() -> int:
    """
    Bytes that the host could still give away.
    """
    found = re.search(r"^MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * KIBIBYTE


def resident(pid: int, what: str = "VmRSS") -> int:
    """
    Bytes resident now, or with `VmHWM` at most since `reset_peak`.
    """
    found = re.search(rf"^{what}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * KIBIBYTE


def reset_peak(pid: int) -> None:
    """
    Let VmHWM begin anew (proc_pid_clear_refs(5)).
    """
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass(frozen=True, slots=True)
class Cells:
    """
    The cells of a server at one moment: the pids in each pid namespace, and those that make them.
    """

    zygotes: list[int]
    cells: list[list[int]]

    @classmethod
    def of(cls, server: int) -> Cells:
        """
        Every descendant of the server in a pid namespace that is neither the server's nor the one
        that a zygote shares with its own helpers belongs to a cell, and each cell has one.
        """
        below = [pid for outer in named(server, "zygote") for pid in descendants(outer)]
        inner = {_namespace(descendants(outer)[0]) for outer in named(server, "zygote")}
        found: dict[str, list[int]] = {}
        for pid in below:
            found.setdefault(_namespace(pid), []).append(pid)
        zygotes = [pid for where in inner for pid in found.get(where, ())]
        return cls(zygotes, [pids for where, pids in found.items() if where not in {"", *inner}])


def _namespace(pid: int) -> str:
    """
    Empty: it has ended, and perhaps not been waited for.
    """
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/pid")
    return ""


def of_warm_cells(server: int) -> tuple[int, int]:
    """
    How many cells wait, and the bytes that they take together: what is no longer taken when they
    are killed, while their zygotes, which would make new ones, stand still.  The server is of no
    use afterwards.
    """
    found = Cells.of(server)
    for zygote in found.zygotes:
        os.kill(zygote, signal.SIGSTOP)
    try:
        found = Cells.of(server)  # those that it was about to make have been made
        everybody = [server, *descendants(server)]
        before = pss(everybody)
        killed = [pid for cell in found.cells for pid in cell]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pss(killed) == 0)
        return len(found.cells), before - pss(everybody)
    finally:
        for zygote in found.zygotes:
            os.kill(zygote, signal.SIGCONT)
