"""
Five times as many calls as can be run: what is accepted ends in its time, the rest is told at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import servers, working
from bench.quantities import Row, quantile

if TYPE_CHECKING:
    from typing import Any

    from bench.bed import Bed, Found

WORK_SECONDS = 0.05
TIMES = 5
PATIENCE_SECONDS = 10.0  # of each caller
REFUSED_WITHIN = 0.05
CAPACITY_IN_FLIGHT = 16  # enough that no core ever waits, and no call is refused


def overload(bed: Bed, found: Found) -> None:
    """
    The capacity by a closed loop, then an open one.
    """
    arguments = f'{{"loops": {working.loops(WORK_SECONDS)}}}'
    seconds = bed.plan.lasting(60)
    with servers.toolcell(bed.folder, "overload") as server:
        given = (server.target, "run", CAPACITY_IN_FLIGHT, bed.plan.lasting(12))
        closed = bed.load.calls(*given, tool="burn", arguments=arguments)
        offered: dict[str, Any] = {
            "rate": closed.rate * TIMES,
            "seconds": seconds,
            "patience": PATIENCE_SECONDS,
        }
        offered |= {"target": server.target, "tool": "burn", "arguments": arguments}
        answer = bed.load.ask("offer", **offered)
    found.number("Run of a tool that burns 50 ms", CAPACITY_IN_FLIGHT, [closed])
    found.rows.append(_row(answer, closed.rate, seconds))
    found.facts += _facts(answer)


def _row(answer: dict[str, Any], capacity: float, seconds: float) -> Row:
    refused = answer["refused"]
    goodput = answer["within"] / seconds / capacity
    broken = []
    if late := sum(each > REFUSED_WITHIN for each in refused):
        share = f"{late} of {len(refused)} refusals took longer than 50 ms"
        broken.append(f"{share}, the longest {max(refused) * 1000:.0f} ms")
    if answer["without_retry_info"]:
        broken.append(f"{answer['without_retry_info']} refusals without RetryInfo")
    if answer["timed_out"]:
        broken.append(f"{answer['timed_out']} accepted calls timed out")
    if not refused:
        broken.append("nothing was refused")
    return Row(
        what="overload, 5x capacity offered: goodput / capacity",
        measured=goodput,
        aim=0.9,
        at_least=True,
        detail=f"{len(refused)} refused, p99 {quantile(refused, 0.99) * 1000:.1f} ms, longest"
        f" {max(refused, default=float('nan')) * 1000:.1f} ms (aim: 50)",
        broken="; ".join(broken),
    )


def _facts(answer: dict[str, Any]) -> list[tuple[str, str]]:
    def told(name: str) -> str:
        p50, p99, longest = (quantile(answer[name], share) * 1000 for share in (0.5, 0.99, 1.0))
        return f"p50 {p50:.1f}, p99 {p99:.1f}, longest {longest:.1f} ms"

    return [
        ("overload: refusals", told("refused")),
        ("overload: accepted calls", told("completed")),
        ("overload: how late the load generator itself was", told("late")),
        ("overload: accepted calls that timed out", str(answer["timed_out"])),
    ]
