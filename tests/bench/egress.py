"""
`make bench-egress`: what a connection out of a cell costs beside one outside of any.

Theory of operation.  The same lines of Python run both ways against the same upstream on loopback
(`bundle/measuring.py`), by turns, in several rounds; of these the best one of each side counts, as
whatever else the machine does only adds.  Loopback is the hardest comparison: it has no distance to
hide behind, and the upstream, the client and the egress share the processors.  An empty call in a
cell with a network of its own is compared with one without.

    connection    from connect() until a byte of the upstream came back: with the name asked for
                  before (`lookup`), and at the name server never (`first`) or a minute ago at most
    round trip    of 64 bytes each way, on a kept connection; over HTTP one request and answer
    download      one body of 10^9 bytes
    memory        the peak of the egress in all downloads, less what it held before

Exit code 1: something failed.  A missed aim is no failure; it says MISSED.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import egress_bed
from bench.egress_report import Aim, Row, page
from bench.programs import measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.egress_bed import Bed
    from bench.report import Measured

    # Seconds of each round, without the egress and through it, by what they are of.
    Both = dict[str, tuple[list[list[float]], list[list[float]]]]
    # Of each round, by tool and calls in flight.
    Calls = dict[tuple[str, int], list[Measured]]

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "egress.md"
CONNECTIONS, ROUND_TRIPS, BODY_BYTES = 300, 2000, 10**9
CALL_SECONDS = 1.5
SHARES = {"p50": 0.5, "p99": 0.99}
TOOLS = ("nothing", "nothing_granted")
IN_FLIGHT = (1, 8)
ADDED_SECONDS, LEAST_RATE, GROWTH_BYTES = 0.001, 500e6, 64 * 2**20


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.egress", description="egress beside none")
    parser.add_argument("--rounds", type=int, default=5, help="half a minute each (default 5)")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the tables are written")
    given = parser.parse_args(arguments)
    both: Both = {}
    calls: Calls = {}
    growth = 0
    with tempfile.TemporaryDirectory() as folder, egress_bed.made(Path(folder)) as bed:
        for number in range(given.rounds):
            print(f"round {number + 1} of {given.rounds}", flush=True)
            growth = max(growth, _connected(bed, both))
            _called(bed, calls)
    memory = Row("memory that downloads make it grow by", "MiB", math.nan, growth / 2**20)
    rows = [*_latencies(both), *_rates(both), memory, *_of_cells(calls)]
    text = page(rows, list(_aims(both, growth)))
    given.page.parent.mkdir(parents=True, exist_ok=True)
    given.page.write_text(text)
    print(f"\n{text}")
    failures = {text for each in calls.values() for found in each for text in found.failures}
    for failure in sorted(failures):
        print(f"FAILED: {failure}", file=sys.stderr)
    return int(bool(failures))


# Measuring...


def _connected(bed: Bed, both: Both) -> int:
    """
    A round of everything about connections; by how many bytes the egress grew in the downloads.
    """
    for protocol in ("tcp", "tls"):
        _alternate(bed, both, "connections", protocol, CONNECTIONS)
    first = bed.through("first_connections", "tcp", CONNECTIONS)["through"]
    both.setdefault("first tcp", ([], []))[1].append(first)
    for protocol in ("tcp", "http"):
        _alternate(bed, both, "round_trips", protocol, ROUND_TRIPS)
    _beside(bed, both)
    before = bed.memory()[0]
    for protocol in ("tcp", "tls", "http"):
        _alternate(bed, both, "download", protocol, BODY_BYTES)
    return bed.memory()[1] - before


def _alternate(bed: Bed, both: Both, what: str, protocol: str, amount: int) -> None:
    for side, way in enumerate((bed.without, bed.through)):
        for part, seconds in way(what, protocol, amount).items():
            both.setdefault(f"{part} {protocol}", ([], []))[side].append(seconds)


def _beside(bed: Bed, both: Both) -> None:
    """
    Round trips while another program, or another cell, downloads all the time.
    """
    sides = both.setdefault("beside tcp", ([], []))
    with bed.downloading_without():
        sides[0].append(bed.without("round_trips", "tcp", ROUND_TRIPS)["round trip"])
    with bed.downloading_through():
        sides[1].append(bed.through("round_trips", "tcp", ROUND_TRIPS)["round trip"])


def _called(bed: Bed, calls: Calls) -> None:
    """
    A round of calls of empty tools, without a network and with one.
    """
    for number in IN_FLIGHT:
        for tool in TOOLS:
            load = ("bench.load", bed.server.target, "run", str(number), str(CALL_SECONDS), tool)
            calls.setdefault((tool, number), []).append(measure(*load))


# Telling...


def _latencies(both: Both) -> Iterator[Row]:
    named = {
        "lookup tcp": "lookup of a name",
        "connect tcp": "connect() alone",
        "through tcp": "connection, TCP",
        "through tls": "connection, TLS",
        "first tcp": "connection, TCP, to a new name",
        "round trip tcp": "round trip, TCP",
        "round trip http": "round trip, HTTP",
        "beside tcp": "round trip, TCP, beside a download",
    }
    for key, what in named.items():
        without, through = both[key]
        for name, share in SHARES.items():
            if key == "lookup tcp":  # outside, an address is given
                other = math.nan
            else:
                other = _quantile(without or both["through tcp"][0], share) * 1000
            yield Row(f"{what}, {name}", "ms", other, _quantile(through, share) * 1000)


def _rates(both: Both) -> Iterator[Row]:
    for protocol in ("tcp", "tls", "http"):
        without, through = (_rate(rounds) / 1e6 for rounds in both[f"download {protocol}"])
        yield Row(f"download, {protocol.upper()}", "MB/s", without, through)


def _of_cells(calls: Calls) -> Iterator[Row]:
    for number in IN_FLIGHT:
        without, granted = (max(calls[tool, number], key=lambda each: each.rate) for tool in TOOLS)
        what = f"call of an empty tool, {number} in flight"
        for name, share in SHARES.items():
            yield Row(f"{what}, {name}", "ms", without.quantile(share), granted.quantile(share))
        yield Row(what, "calls/s", without.rate, granted.rate)


def _aims(both: Both, growth: int) -> Iterator[Aim]:
    for protocol in ("tcp", "tls"):
        without, through = (_quantile(rounds, 0.5) for rounds in both[f"through {protocol}"])
        added = through - without
        what = f"under 1 ms added to a connection over {protocol.upper()} (p50)"
        yield Aim(what, f"{added * 1000:.2f} ms", added < ADDED_SECONDS)
    for protocol in ("tcp", "tls", "http"):
        without, through = (_rate(rounds) for rounds in both[f"download {protocol}"])
        what = f"500 MB/s, or half of without, over {protocol.upper()}"
        found = f"{through / 1e6:.0f} MB/s, {through / without:.2f} of without"
        yield Aim(what, found, through >= min(LEAST_RATE, without / 2))
    what, found = "memory grows by less than 64 MiB", f"{growth / 2**20:.1f} MiB"
    yield Aim(what, found, growth < GROWTH_BYTES)


def _quantile(rounds: Sequence[Sequence[float]], share: float) -> float:
    """
    Of the best round, the seconds that this share stays below.
    """
    ordered = sorted(min(rounds, key=statistics.median))
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _rate(rounds: Sequence[Sequence[float]]) -> float:
    """
    Bytes a second of the best download.
    """
    return BODY_BYTES / min(seconds for each in rounds for seconds in each)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
