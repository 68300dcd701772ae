"""
What /proc says of a cell's processes (proc_pid_status(5)).

The `children` file costs 15 µs a process; psutil's `children(recursive=True)` reads every process
of the host for each cell.  It is the fallback where the kernel lacks the file
(CONFIG_PROC_CHILDREN).
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

HAS_CHILDREN_FILE = Path("/proc/thread-self/children").exists()


def tree(*pids: int) -> Iterator[int]:
    """
    These processes and all their descendants, as long as they live.
    """
    pending = list(pids)
    while pending:
        pid = pending.pop()
        yield pid
        pending += _children(pid) if HAS_CHILDREN_FILE else _children_by_psutil(pid)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _children_by_psutil(pid: int) -> list[int]:
    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def status(pid: int) -> dict[bytes, int]:
    """
    The numbers of /proc/PID/status that we need; sizes in bytes.

    A process whose first thread has ended while others go on has no memory in its own file; each
    of its threads has it.
    """
    found = _numbers(Path(f"/proc/{pid}/status"))
    if b"RssAnon" not in found and found.get(b"Threads", 0) > 1:
        found.update(_numbers(_of_a_living_thread(pid, "status")))
    return found


def _of_a_living_thread(pid: int, name: str) -> Path:
    """
    That file of a thread that has memory; of the process itself if there is none.
    """
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            if b"RssAnon" in _numbers(task / "status"):
                return task / name
    return Path(f"/proc/{pid}/{name}")


def _numbers(file: Path) -> dict[bytes, int]:
    """
    Read as bytes, not text: the first line is a name that the process has given itself, and may
    hold anything but a line feed.
    """
    wanted = {}
    for line in file.read_bytes().split(b"\n")[1:]:
        key, _, value = line.partition(b":")
        if key in {b"RssAnon", b"RssShmem", b"VmSwap"}:
            wanted[key] = int(value.split()[0]) * 1024
        elif key in {b"PPid", b"Threads"}:
            wanted[key] = int(value)
    return wanted


def proportional_bytes(*pids: int) -> int | None:
    """
    Memory of these processes and their descendants, each shared page divided by who share it;
    None where the kernel does not tell us, who are not root: a cell cannot be looked into.
    """
    total = 0
    for pid in tree(*set(pids)):
        try:
            lines = _of_a_living_thread(pid, "smaps_rollup").read_text().splitlines()
        except PermissionError:
            return None
        except OSError:  # it has ended
            continue
        shares = [
            line.split()[1]
            for line in lines
            if line.startswith(("Pss_Anon", "Pss_Shmem", "SwapPss"))
        ]
        total += sum(map(int, shares)) * 1024
    return total
