"""
What the kernel says of processes: who is whose child, what they hold open, when they end.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


# Arbitrary; longer than the watchdog lingers, and than idle cells and rooms are kept in such tests.
REST_SECONDS = 2.5


class StillThere(AssertionError):  # noqa: N818  # names what happened
    """
    Raised when processes outlive the moment at which they should have been gone.
    """


def descendants(pid: int) -> list[int]:
    """
    Children, their children, and so on, parents first; a zombie is a process too.
    """
    families = _families()
    found = list(families[pid])
    for child in found:
        found += families[child]
    return found


def named(pid: int, kind: str) -> list[int]:
    """
    The children of a server that are programs of the worker's room: "zygote" or "keeper".
    """
    return [child for child in _children(pid) if kind.encode() in _command(child)[-2:]]


def await_end(pids: Iterable[int], seconds: float) -> None:
    """
    Wait until each of these processes has ended, by the kernel's own word.

    Raises:
        StillThere: some have not; names them.
    """
    until = time.monotonic() + seconds
    left = []
    for pid in pids:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            remaining = max(0.0, until - time.monotonic())
            if not select.select([pidfd], [], [], remaining)[0]:
                left.append((pid, b" ".join(_command(pid))))
        finally:
            os.close(pidfd)
    if left:
        raise StillThere(f"after {seconds} seconds there are still {left}")


def await_first_end(pids: Iterable[int], seconds: float) -> None:
    """
    Wait until one of these processes has ended.

    Raises:
        StillThere: none has.
    """
    with contextlib.ExitStack() as opened:
        pidfds = []
        for pid in pids:
            try:
                pidfds.append(os.pidfd_open(pid))
            except ProcessLookupError:
                return
            opened.callback(os.close, pidfds[-1])
        if not select.select(pidfds, [], [], seconds)[0]:
            raise StillThere(f"after {seconds} seconds none of them has ended")


@dataclass(frozen=True)
class Holdings:
    """
    What a process and its descendants hold: each by the role of its holder.
    """

    processes: Counter[str]
    threads: int
    descriptors: dict[str, Counter[str]]
    mounts: dict[str, int]
    files: list[str]

    @property
    def kept(self) -> Holdings:
        """
        Without the threads: there are as many as were ever needed at once.
        """
        return replace(self, threads=0)


def holdings(server: int, *folders: Path) -> Holdings:
    """
    What a server with its zygotes and its keeper holds now, and what lies in some folders.
    """
    roles = {"server": server}
    for kind in ("keeper", "zygote"):
        for number, pid in enumerate(named(server, kind)):
            roles[f"{kind} {number}"] = pid
            for inner, child in enumerate(_children(pid) if kind == "zygote" else ()):
                roles[f"{kind} {number}.{inner}"] = child
    return Holdings(
        processes=Counter(_name(pid) for pid in descendants(server)),
        threads=len(os.listdir(f"/proc/{server}/task")),
        descriptors={role: _descriptors(pid) for role, pid in roles.items()},
        mounts={role: _mounts(pid) for role, pid in roles.items()},
        files=sorted(str(file) for folder in folders for file in folder.rglob("*")),
    )


def settled(
    look: Callable[[], Holdings], expected: Callable[[Holdings], bool], seconds: float
) -> Holdings:
    """
    The first holdings that are as expected; the last ones seen if none are in time.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            seen = look()
        except (FileNotFoundError, ProcessLookupError):  # one of them ended while we looked
            continue
        if expected(seen) or time.monotonic() > until:
            return seen
        time.sleep(0.05)  # /proc tells no one when it changes


def at_rest(look: Callable[[], Holdings], seconds: float) -> Holdings:
    """
    The first holdings that stay as they are for a while; the last ones seen if none do in time.
    """
    return settled(look, lambda now: _stays(look, now), seconds)


def _stays(look: Callable[[], Holdings], now: Holdings) -> bool:
    """
    Spare cells are made, and what a call held is given back, a moment after its caller has heard
    of its end: a busy host makes that moment long.
    """
    until = time.monotonic() + REST_SECONDS
    while now == settled(look, lambda _: True, 0):
        if time.monotonic() > until:
            return True
        time.sleep(0.05)
    return False


def resident_peak(pid: int) -> int:
    """
    The most memory that a process ever had in use, in bytes.
    """
    match = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert match
    return int(match[1]) * 1024


def forget_peak(pid: int) -> None:
    """
    Begin the peak anew from what is in use now (proc_pid_clear_refs(5)).
    """
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _children(pid: int) -> list[int]:
    return _families()[pid]


def _families() -> defaultdict[int, list[int]]:
    """
    The children of each process, the oldest first.  /proc/PID/task/TID/children is no way to know:
    it leaves some out while others end (proc_pid_task(5)).
    """
    families: defaultdict[int, list[int]] = defaultdict(list)
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{pid}/stat").read_text()
            parent = int(status.rpartition(")")[2].split()[1])  # a name may hold anything
            families[parent].append(pid)
    return families


def _command(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _name(pid: int) -> str:
    command = _command(pid)
    return " ".join(part.decode() for part in command[-2:-1]) or "a zombie"


def _descriptors(pid: int) -> Counter[str]:
    """
    How many of each kind; the numbers of inodes are no kind.
    """
    kinds: Counter[str] = Counter()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        kinds[re.sub(r"\[\d+\]", "", target)] += 1
    return kinds


def _mounts(pid: int) -> int:
    return len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines())
