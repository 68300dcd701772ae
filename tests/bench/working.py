"""
What the tools `sleep` and `burn` do, outside of any cell: the floor of a tool that works.

Run as `python -m bench.working sleep|burn WORK PROCESSES SECONDS`, WORK being seconds or loops;
prints what load.py prints.  The code is that of the tools, by import.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from bench.tools.measured import burn, sleep

if TYPE_CHECKING:
    from collections.abc import Callable

CALIBRATING = 200_000


def loops(seconds: float) -> int:
    """
    How many loops of `burn` take so long here, in the best of some tries.
    """
    best = min(_timed(partial(burn, CALIBRATING)) for _ in range(10))
    return int(seconds / best * CALIBRATING)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def repeat(kind: str, amount: float, seconds: float) -> list[float]:
    """
    One after another for so many seconds; how long each took.
    """
    work = partial(sleep, amount) if kind == "sleep" else partial(burn, int(amount))
    found = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        found.append(_timed(work))
    return found


def main(kind: str, amount: float, processes: int, seconds: float) -> None:
    with multiprocessing.Pool(processes) as pool:
        given = [(kind, amount, seconds)] * processes
        began = time.perf_counter()
        found = [each for one in pool.starmap(repeat, given) for each in one]
        elapsed = time.perf_counter() - began
    print(json.dumps({"seconds": found, "elapsed": elapsed, "failures": []}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
