"""
The table of a run, as Markdown: docs/compatibility.md holds one.
"""

from __future__ import annotations

import os
import platform
import subprocess
from typing import TYPE_CHECKING

from compatibility.running import IN_FLIGHT, Tried

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from compatibility.workload import Bundle, Workload

SHOWN_FAILURES = 3  # of one workload; the others are most often the same
MEBIBYTE = 2**20
VERSIONS = (
    "import platform, importlib.metadata as m; names = ('numpy', 'pandas', 'matplotlib',"
    " 'requests', 'lxml'); have = {d.name: d.version for d in m.distributions()};"
    " print('Python', platform.python_version(), *(f', {n} {have[n]}' for n in names if n in have))"
)


def machine(bundle: Bundle) -> Iterator[str]:
    """
    What was run, on what, as whom.
    """
    versions = subprocess.check_output([bundle.python, "-c", VERSIONS], text=True)
    yield versions.strip().replace(" ,", ",")
    user = "root" if os.getuid() == 0 else f"an ordinary user ({os.getuid()})"
    yield f"Linux {platform.release()}, {platform.machine()}, {os.cpu_count()} cores, as {user}"
    yield f"{IN_FLIGHT} calls at a time"


def table(tried: Mapping[Workload, Tried]) -> Iterator[str]:
    """
    One line a workload.
    """
    yield "| Workload | Profile | Limits beyond the defaults | Runs | Failures | p50 ms |"
    yield "|---|---|---|--:|--:|--:|"
    for workload, each in tried.items():
        asked = ", ".join(_limit(*pair) for pair in workload.limits.items()) or "none"
        numbers = f"{each.runs} | {len(each.failures)} | {each.median_milliseconds:.0f}"
        yield f"| `{workload.name}` | {workload.profile} | {asked} | {numbers} |"


def failures(tried: Mapping[Workload, Tried]) -> Iterator[str]:
    """
    What went wrong, the first few of each workload.
    """
    for workload, each in tried.items():
        for failure in each.failures[:SHOWN_FAILURES]:
            yield f"{workload.name}: {failure}"


def denials(tried: Mapping[Workload, Tried]) -> Iterator[str]:
    """
    What was denied in runs that went well all the same.
    """
    for workload, each in tried.items():
        if each.denials:
            yield f"{workload.name}: {', '.join(sorted(each.denials))}"


def _limit(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        return f"{name.removesuffix('_bytes')} {value / MEBIBYTE:.0f} MiB"
    return f"{name.replace('_seconds', ' time')} {value:g}{' s' if 'seconds' in name else ''}"
