"""
The tables of a benchmark: ratios first, for they carry over to other machines; then the numbers.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

RATIOS = (
    ("Run", "python -I -c pass"),
    ("Run", "bubblewrap + python"),
    ("Run", "unary echo"),
    ("Execute", "stream echo"),
    ("Execute", "Run"),
)
TARGET = ("Run", "python -I -c pass")


@dataclass(frozen=True, slots=True)
class Measured:
    """
    One subject with so many calls in flight.
    """

    seconds: Sequence[float]  # latency of each call
    elapsed: float
    failures: Sequence[str]

    def quantile(self, share: float) -> float:
        """
        The latency, in milliseconds, that this share of the calls stays below.  NaN: no call.
        """
        ordered = sorted(self.seconds)
        if not ordered:
            return math.nan
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    @property
    def rate(self) -> float:
        """
        Calls a second.
        """
        return len(self.seconds) / self.elapsed


Results = Mapping[tuple[str, int], Measured]  # by subject and calls in flight


def machine() -> Iterator[str]:
    """
    What the numbers depend on.
    """
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    yield f"cores {os.cpu_count()} ({len(os.sched_getaffinity(0))} usable), load {load}"
    yield f"kernel {platform.release()}, {platform.machine()}, uid {os.getuid()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("grpcio", "protobuf", "toolcell"))
    yield f"Python {platform.python_version()}, {packages}"


def ratios(results: Results) -> Iterator[str]:
    """
    How many times as long one subject takes as another, one call at a time.
    """
    yield f"{'one call at a time':44} {'p50':>8} {'p99':>8}"
    for one, other in RATIOS:
        if (one, 1) in results and (other, 1) in results:
            median, slow = (
                results[one, 1].quantile(share) / results[other, 1].quantile(share)
                for share in (0.5, 0.99)
            )
            yield f"{one + ' / ' + other:44} {median:8.2f} {slow:8.2f}"


def numbers(results: Results) -> Iterator[str]:
    """
    Every measurement.
    """
    yield f"{'':22} {'in flight':>9} {'p50 ms':>8} {'p99 ms':>8} {'calls/s':>8} {'failed':>7}"
    for (subject, in_flight), each in results.items():
        latencies = f"{each.quantile(0.5):8.2f} {each.quantile(0.99):8.2f}"
        yield f"{subject:22} {in_flight:9} {latencies} {each.rate:8.0f} {len(each.failures):7}"


def target_met(results: Results) -> bool:
    """
    The one target so far: a call in a fresh cell takes less than a fresh interpreter.
    """
    one, other = (results[subject, 1].quantile(0.5) for subject in TARGET)
    return one < other
