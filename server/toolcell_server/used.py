"""
What all processes of a cell used together.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.durations import to_duration

if TYPE_CHECKING:
    from toolcell_server.cells import Reaping
    from toolcell_server.sample import Sample


def used(peak: Sample, reaping: Reaping | None) -> pb.Usage:
    """
    The kernel's account if there is one, and what the watchdog saw beyond it: the account has
    only processes that somebody waited for, and a killed init waits for nobody.
    """
    system = reaping.system_seconds if reaping else 0.0
    user = max(peak.cpu_seconds - system, reaping.user_seconds if reaping else 0.0)
    return pb.Usage(
        cpu_user=to_duration(user),
        cpu_system=to_duration(system),
        memory_peak_bytes=max(peak.memory_bytes, reaping.peak_bytes if reaping else 0),
        processes_peak=peak.processes,
    )
