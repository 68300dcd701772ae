"""
Runs workloads through one server, several at a time, and compares.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_client import AsyncClient, Result, ToolcellError

from compatibility.workload import Bundle, Seen, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

IN_FLIGHT = 4
SHOWN = 2000  # characters of what differs
TIMEOUT_SECONDS = 120  # arbitrary; with the time in the queue


@dataclass(slots=True)
class Tried:
    """
    What became of the runs of one workload.  `denials` are those of runs that went well: what the
    libraries try and can do without.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    denials: set[str] = field(default_factory=set)

    @property
    def runs(self) -> int:
        return len(self.seconds)

    @property
    def median_milliseconds(self) -> float:
        return statistics.median(self.seconds) * 1000


def settings(bundles: Sequence[Bundle]) -> str:
    """
    The settings of a server with these bundles.
    """
    return "\n".join(bundle.settings() for bundle in bundles)


def run(target: str, expected: Mapping[Workload, Seen], runs: int) -> dict[Workload, Tried]:
    """
    Run each workload so many times.  Every round takes all of them in another order, so that each
    meets others as its neighbours.
    """
    return asyncio.run(_run(target, expected, runs))


async def _run(target: str, expected: Mapping[Workload, Seen], runs: int) -> dict[Workload, Tried]:
    tried = {workload: Tried() for workload in expected}
    turns = _turns(list(expected), runs)

    async def work(client: AsyncClient) -> None:
        for workload in turns:
            await _attempt(client, workload, expected[workload], tried[workload])

    async with AsyncClient(target) as client:
        await asyncio.gather(*(work(client) for _ in range(IN_FLIGHT)))
    return tried


def _turns(workloads: list[Workload], runs: int) -> Iterator[Workload]:
    chance = random.Random(0)
    for number in range(runs):
        if number % 10 == 0:
            print(f"{number} of {runs} rounds", file=sys.stderr, flush=True)
        yield from chance.sample(workloads, len(workloads))


async def _attempt(client: AsyncClient, workload: Workload, plain: Seen, tried: Tried) -> None:
    began = time.perf_counter()
    try:
        result = await client.run(workload.name, timeout=TIMEOUT_SECONDS)
        failure = differs(result, plain)
    except ToolcellError as exc:
        failure = f"{type(exc).__name__}: {exc}"
    else:
        tried.denials.update(_denials(result))
    tried.seconds.append(time.perf_counter() - began)
    if failure:
        tried.failures.append(failure)


def differs(result: Result, plain: Seen) -> str:
    """
    How a run differs from the plain one; empty if it does not.
    """
    stdout, stderr = result.stdout.decode(), result.stderr.decode()
    if not result.ok:
        denials = "; ".join(_denials(result))
        return f"{result.label}: {result.outcome.message} [{denials}]\n{stderr[-SHOWN:]}"
    seen = Seen(json.loads(result.result_json), stdout, stderr)
    if seen == plain:
        return ""
    return f"not equal:\n  in a cell {str(seen)[:SHOWN]}\n  outside   {str(plain)[:SHOWN]}"


def _denials(result: Result) -> list[str]:
    return [f"{denied.operation} {denied.target}".strip() for denied in result.denials]
