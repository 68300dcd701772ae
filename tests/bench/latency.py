"""
What a call costs, beside an echo on the same stack, and beside other ways of isolating one.
"""

from __future__ import annotations

import math
import statistics
from functools import partial
from typing import TYPE_CHECKING

from bench import peers, servers, spawning
from bench.bed import LOW_LOAD_PAUSE_SECONDS, in_turns, ratio
from bench.programs import run
from bench.quantities import Curve, Growth, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.bed import Bed, Found
    from bench.quantities import Measured

    Subject = Callable[[float], Measured]

ECHO, STREAM = "unary gRPC echo", "3-message stream echo"
RUN, EXECUTE = "Run", "Execute"
BUBBLEWRAP = spawning.SUBJECTS["bubblewrap"]


def low_load(bed: Bed, found: Found) -> None:
    """
    One call at a time, of toolcell and of the echo in the same rhythm.
    """
    paused = partial(bed.load.calls, pause=LOW_LOAD_PAUSE_SECONDS)
    with servers.echo(bed.folder) as echo, servers.toolcell(bed.folder, "latency") as toolcell:
        subjects: dict[str, Subject] = {
            ECHO: partial(paused, echo.target, "run", 1),
            RUN: partial(paused, toolcell.target, "run", 1),
            STREAM: partial(paused, echo.target, "execute", 1),
            EXECUTE: partial(paused, toolcell.target, "execute", 1),
        }
        rounds = in_turns(subjects, bed.plan.rounds(16, 1.5))
        for name, each in rounds.items():
            found.bar(name, each)
    found.rows += [
        Row(
            what="Run, warm, p50 / unary gRPC echo p50", measured=ratio(rounds, RUN, ECHO), aim=2.5
        ),
        Row(
            what="Execute, warm, p50 / 3-message stream echo p50",
            measured=ratio(rounds, EXECUTE, STREAM),
            aim=3.0,
        ),
        Row(
            what="Run p99 / p50 at low load",
            measured=_tail(rounds[RUN]),
            aim=4.0,
            detail=f"of the echo: {_tail(rounds[ECHO]):.2f}",
        ),
    ]


def _tail(rounds: list[Measured]) -> float:
    return statistics.median(each.quantile(0.99) / each.quantile(0.5) for each in rounds)


def others(bed: Bed, found: Found) -> None:
    """
    Run beside a program a call: bare, and as each peer that is here isolates it.
    """
    subjects: dict[str, Subject] = {}
    for kind, name in spawning.SUBJECTS.items():
        if reason := spawning.why_not(kind):
            found.left_out.append((name, reason))
        else:
            subjects[name] = partial(_program, spawning.program(kind))
    for peer in peers.PEERS:
        if reason := peer.why_not():
            found.left_out.append((peer.name, reason))
        else:
            subjects[peer.name] = partial(_program, peer.program(bed.folder))
    with servers.toolcell(bed.folder, "others") as server:
        subjects[RUN] = partial(
            bed.load.calls, server.target, "run", 1, pause=LOW_LOAD_PAUSE_SECONDS
        )
        rounds = in_turns(subjects, bed.plan.rounds(6, 1.2))
    for name, each in rounds.items():
        if name != RUN:
            found.bar(name, each)
            found.facts.append((f"{name} p50 / Run p50", f"{ratio(rounds, name, RUN):.1f}"))
    times = ratio(rounds, BUBBLEWRAP, RUN) if BUBBLEWRAP in rounds else math.nan
    what = f"{BUBBLEWRAP} p50 / Run p50"
    found.rows.append(Row(what=what, measured=times, aim=10.0, at_least=True))


def _program(command: list[str], seconds: float) -> Measured:
    return run([*command, "1", str(seconds)])


def in_flight(bed: Bed, found: Found) -> None:
    """
    From one call at a time to 500.
    """
    numbers = (1, 2, 8, 32, 100, 500)
    with (
        servers.echo(bed.folder) as echo,
        servers.toolcell(bed.folder, "flight", server="queue = 1000\n") as toolcell,
    ):
        points: dict[str, list[tuple[float, float]]] = {RUN: [], ECHO: []}
        for number in numbers:
            subjects: dict[str, Subject] = {
                ECHO: partial(bed.load.calls, echo.target, "run", number),
                RUN: partial(bed.load.calls, toolcell.target, "run", number),
            }
            rounds = in_turns(subjects, bed.plan.rounds(3, 1.0))
            for name, each in rounds.items():
                measured = found.number(name, number, each)
                points[name].append((number, measured.quantile(0.5)))
    curves = [Curve(name, each) for name, each in points.items()]
    found.growths.append(Growth("Calls in flight", "calls in flight", "p50, ms", curves))
