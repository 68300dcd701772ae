"""
Tells what the cell offers.
"""

from __future__ import annotations

import os
import shutil
import sys

import msgspec

from toolcell_worker import Context, tool


class SystemInfo(msgspec.Struct, kw_only=True):
    """
    What code in a cell of this kind can use.  Sizes in bytes, times in seconds; `limits` are
    those of this call.
    """

    system: str
    kernel: str
    machine: str
    python: str
    implementation: str
    cpus: int
    disk_total_bytes: int
    disk_free_bytes: int
    temporary_directory: str
    seconds_left: float | None
    limits: dict[str, float]


@tool(title="System information", category="system", tags=["system", "limits"], effects="read_only")
def system_info(context: Context) -> SystemInfo:
    """
    Tell what the environment offers: system, Python version, processors, disk space, limits.

    Use it before heavy work, to see how much memory, time and space there is.
    """
    system = os.uname()
    disk = shutil.disk_usage(context.directory)
    remaining = context.remaining()
    return SystemInfo(
        system=system.sysname,
        kernel=system.release,
        machine=system.machine,
        python=".".join(map(str, sys.version_info[:3])),
        implementation=sys.implementation.name,
        cpus=len(os.sched_getaffinity(0)),
        disk_total_bytes=disk.total,
        disk_free_bytes=disk.free,
        temporary_directory=str(context.directory),
        seconds_left=round(remaining, 3) if remaining != float("inf") else None,
        limits=context.limits,
    )
