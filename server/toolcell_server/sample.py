"""
What the watchdog saw of a cell.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Sample:
    """
    One look at a cell, or the peaks over many.
    """

    memory_bytes: int = 0
    shared_bytes: int = 0  # of it: mapped by several processes, counted once for each
    processes: int = 0
    threads: int = 0
    cpu_seconds: float = 0.0

    def raise_to(self, other: Sample) -> None:
        """
        Become the peak of both.
        """
        self.memory_bytes = max(self.memory_bytes, other.memory_bytes)
        self.processes = max(self.processes, other.processes)
        self.threads = max(self.threads, other.threads)
        self.cpu_seconds = max(self.cpu_seconds, other.cpu_seconds)
