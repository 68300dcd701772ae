"""
What a process is from outside: the oracle that does not ask the process.

Two cells of one make have the same portrait: whatever a failed system call took from a cell shows
as a difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = (
    *("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"),
    *("Seccomp", "Seccomp_filters", "Umask", "Threads", "SigBlk", "SigIgn"),
)
# Signals 32 and 33 are glibc's own (nptl(7)); who has started a thread ignores them no more.
OF_THREADS = 0b11 << 31
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def portrait(pid: int, zygote: int) -> dict[str, Any]:
    """
    Identity, privileges, filters, namespaces, mounts, limits and descriptors of a process of this
    zygote.  What the kernel does not show us is left out.
    """
    seen = {
        "status": _status(pid),
        "owner": os.stat(f"/proc/{pid}/stat").st_uid,  # root, if the process is not dumpable
        "limits": _text(pid, "limits"),
    }
    looks: dict[str, Callable[[], Any]] = {
        "namespaces": lambda: [_shared(pid, zygote, kind) for kind in NAMESPACES],
        "mounts": lambda: _mounts(pid),
        "descriptors": lambda: _descriptors(pid),
        "folder": lambda: os.readlink(f"/proc/{pid}/cwd"),
    }
    for name, look in looks.items():
        try:
            seen[name] = look()
        except PermissionError:  # of a process that is not dumpable, unless we are root
            continue
    return seen


def _status(pid: int) -> dict[str, list[str]]:
    lines = dict(line.split(":", 1) for line in _text(pid, "status").splitlines())
    found = {name: lines[name].split() for name in STATUS if name in lines}
    for name in ("SigBlk", "SigIgn"):
        found[name] = [f"{int(found[name][0], 16) & ~OF_THREADS:016x}"]
    found["inner ids"] = [lines[name].split()[-1] for name in ("NSpid", "NSsid")]
    return found


def _shared(pid: int, zygote: int, kind: str) -> str:
    own, other = (os.stat(f"/proc/{one}/ns/{kind}").st_ino for one in (pid, zygote))
    return f"{kind} of {'the zygote' if own == other else 'its own'}"


def _mounts(pid: int) -> list[str]:
    """
    Each mount: where, how, of what; without the numbers that differ each time.
    """
    found = []
    for line in _text(pid, "mountinfo").splitlines():
        _, _, _, _, where, how, *rest = line.split()
        kind, _, options = rest[rest.index("-") + 1 :]
        found.append(f"{where} {how} {kind} {options}")
    return found


def _descriptors(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/fd").iterdir()
    return {entry.name: re.sub(r"\[\d+\]", "", os.readlink(entry)) for entry in sorted(entries)}


def _text(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def differences(expected: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """
    What differs between the portraits of two cells, by role and part.
    """
    found = [f"{role} was never seen" for role in expected.keys() - seen.keys()]
    for role in expected.keys() & seen.keys():
        parts = expected[role].keys() | seen[role].keys()
        for part in sorted(parts):
            before, after = expected[role].get(part), seen[role].get(part)
            if before != after:
                found.append(f"{part} of the {role}: {after}, not {before}")
    return found
