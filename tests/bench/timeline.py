"""
From marks of several processes to one table of stages.  Pure: no input, no output.

Calls come one at a time here, so whatever any process did between the beginning and the end of a
call belongs to it, or to making the next cell.  A cell belongs to the call in which it said its
result; what it did before it was called was done ahead, and is told apart.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Record = tuple[int, int, int, str]  # began, ended and CPU, in ns; what

# What ends each part of a call, in order; what is not found is a part of what follows.
PARTS = (
    ("admission, and what precedes the cell", "server", "Channel.send_at_once CALL"),
    ("waking the cell", "cell", "received CALL"),
    ("arguments, the tool, its result", "cell", "send RESULT"),
)
LAST_PART = "the ending in the server"
CALLED, DONE = "received CALL", "send RESULT"


@dataclass(frozen=True, slots=True)
class Stage:
    """
    Medians over the calls, in microseconds; `after` is since the beginning of the call.
    """

    where: str
    what: str
    after: float
    wall: float
    cpu: float
    calls: int


def windows(server: Sequence[Record], root: str) -> list[tuple[int, int]]:
    """
    When each call began and ended; the first half are left out, as warming up.
    """
    found = sorted((began, ended) for began, ended, _, what in server if what == root)
    return found[len(found) // 2 :]


def stages(
    server: Sequence[Record], zygotes: Sequence[Sequence[Record]], root: str
) -> tuple[list[Stage], list[Stage], float]:
    """
    The stages of a call in order; those of a cell before its call; and what a call takes, in us.
    `zygotes` are the regions of zygotes and cells.
    """
    calls = windows(server, root)
    gathered: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    ahead: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    named = [("server", server), *((_who(each), each) for each in zygotes)]
    for where, records in named:
        for began, ended in calls:
            inside = [each for each in records if began <= each[0] <= ended]
            if where != "cell":
                _gather(where, inside, began, gathered)
            elif any(what == DONE for *_, what in inside):
                before, after = _divided(records)
                _gather(where, [each for each in after if each[0] >= began], began, gathered)
                _gather(where, before, before[0][0] if before else 0, ahead)
    total = statistics.median(ended - began for began, ended in calls) / 1000 if calls else 0.0
    return list(_medians(gathered)), list(_medians(ahead)), total


def _who(records: Sequence[Record]) -> str:
    return "cell" if any(what == "forked" for *_, what in records[:1]) else "zygote"


def _divided(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """
    What a cell did before it was given its call, and from then on.
    """
    ordered = sorted(records)
    called = [number for number, (*_, what) in enumerate(ordered) if what == CALLED]
    # The first is the rehearsal's.
    return (ordered[: called[-1]], ordered[called[-1] :]) if called else ([], ordered)


def _gather(
    where: str,
    records: Sequence[Record],
    begin: int,
    into: dict[tuple[str, str], list[tuple[float, float, float]]],
) -> None:
    seen: Counter[str] = Counter()
    for began, ended, cpu, what in sorted(records):
        seen[what] += 1
        name = what if seen[what] == 1 else f"{what} ({seen[what]})"
        into[where, name].append(((began - begin) / 1000, (ended - began) / 1000, cpu / 1000))


def _medians(
    gathered: dict[tuple[str, str], list[tuple[float, float, float]]],
) -> Iterator[Stage]:
    most = max((len(each) for each in gathered.values()), default=0)
    found = []
    for (where, what), times in gathered.items():
        if len(times) >= most / 2:  # what only some calls have says nothing about the median call
            after, wall, cpu = (statistics.median(each) for each in zip(*times, strict=True))
            found.append(Stage(where, what, after, wall, cpu, len(times)))
    yield from sorted(found, key=lambda stage: stage.after)


def parts(found: Sequence[Stage], total: float) -> list[tuple[str, float]]:
    """
    The parts of a call, and how many microseconds each takes; together they are the call.
    """
    at = {(each.where, each.what): each.after + each.wall for each in found}
    told, reached = [], 0.0
    for name, where, what in PARTS:
        ended = at.get((where, what), 0.0)
        if ended > reached:
            told.append((name, ended - reached))
            reached = ended
    return [*told, (LAST_PART, total - reached)]
