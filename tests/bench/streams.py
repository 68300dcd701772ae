"""
Streams: a gigabyte of output, many small events, large arguments and results.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from bench import memory, servers
from bench.bed import MEBIBYTE, in_turns
from bench.quantities import Curve, Growth, Row, quantile

if TYPE_CHECKING:
    from bench.bed import Bed, Found
    from bench.quantities import Measured

GIGABYTE = 10**9
PARTIALS = 50_000
SIZES = (1000, 10_000, 100_000, 1_000_000, 10_000_000)
GROWTH_MEBIBYTES = 64.0


def output(bed: Bed, found: Found) -> None:
    """
    A tool that writes a gigabyte, beside an echo that sends as much, in turns.
    """
    count = bed.plan.counted(GIGABYTE, least=100_000_000)
    rates: dict[str, list[float]] = {"toolcell": [], "echo": []}
    grown = [0, 0]  # of the server, of the client
    with (
        servers.echo(bed.folder) as echo,
        servers.toolcell(bed.folder, "output", servers.LARGE) as toolcell,
    ):
        bed.load.calls(toolcell.target, "execute", 1, 0.3)
        for _ in range(3):
            rates["echo"].append(_read(bed, echo.target, count))
            pids = (toolcell.process.pid, bed.load.process.pid)
            before = [_from_now_on(pid) for pid in pids]
            rates["toolcell"].append(_read(bed, toolcell.target, count))
            peaks = [memory.resident(pid, "VmHWM") for pid in pids]
            grown = [max(g, p - b) for g, p, b in zip(grown, peaks, before, strict=True)]
        answer = bed.load.ask("read", **_stream(toolcell.target, "partials", PARTIALS))
    ours, floor = (quantile(rates[name], 0.5) for name in ("toolcell", "echo"))
    mebibytes, client = (each / MEBIBYTE for each in grown)
    found.rows.append(
        Row(
            what="stdout through a stream",
            measured=ours,
            aim=300.0,
            at_least=True,
            unit=" MB/s",
            detail=f"{ours / floor:.2f} of a stream of the same messages; memory of the server"
            f" grew by {mebibytes:.1f} MiB (aim: {GROWTH_MEBIBYTES:.0f}), of the client by"
            f" {client:.1f} MiB",
            broken="memory grew too much" if mebibytes > GROWTH_MEBIBYTES else "",
        )
    )
    found.facts += [
        ("the same messages from the echo", f"{floor:.0f} MB/s"),
        ("partial events a second, from one tool", f"{answer['partials'] / answer['elapsed']:.0f}"),
    ]


def _from_now_on(pid: int) -> int:
    """
    Bytes resident now; the peak begins anew.
    """
    memory.reset_peak(pid)
    return memory.resident(pid)


def _stream(target: str, tool: str, count: int) -> dict[str, str]:
    return {"target": target, "tool": tool, "arguments": json.dumps({"count": count})}


def _read(bed: Bed, target: str, count: int) -> float:
    """
    MB/s; nothing of the output may be missing.
    """
    answer = bed.load.ask("read", **_stream(target, "flood", count))
    if answer["bytes"] < count - 65536:
        bed.load.failures.append(f"of {count} bytes of output {answer['bytes']} came")
    return float(answer["bytes"] / answer["elapsed"] / 1e6)


def sizes(bed: Bed, found: Found) -> None:
    """
    Arguments and results from a kilobyte to ten megabytes.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    with (
        servers.echo(bed.folder) as echo,
        servers.toolcell(bed.folder, "sizes", servers.LARGE) as toolcell,
    ):
        for size in SIZES:
            given = {
                "arguments": ("swallow", json.dumps({"text": "x" * (size - len('{"text": ""}'))})),
                "result": ("make", json.dumps({"size": size - 2})),
            }
            subjects = {
                f"{what}, {name}": partial(_calls, bed, server.target, *call)
                for what, call in given.items()
                for name, server in (("echo", echo), ("Run", toolcell))
            }
            for name, each in in_turns(subjects, bed.plan.rounds(3, 0.7)).items():
                measured = found.number(f"{size:,} bytes of {name}", 1, each)
                points.setdefault(name, []).append((size, measured.quantile(0.5)))
    curves = [Curve(name, each) for name, each in points.items()]
    found.growths.append(Growth("Arguments and results", "bytes", "p50, ms", curves))


def _calls(bed: Bed, target: str, tool: str, arguments: str, seconds: float) -> Measured:
    return bed.load.calls(target, "run", 1, seconds, tool=tool, arguments=arguments)
