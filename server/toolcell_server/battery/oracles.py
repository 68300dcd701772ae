"""
Oracles that several attacks share: what a run got away with, seen from outside.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolcell_server.battery.attack import Traces, generic_harm

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.battery.ground import Ground

    Harm = Callable[[Ground, Traces], list[str]]

MOST: Final = 8  # arbitrary; what let one thing through mostly lets through others
# The control's process ends as a process does, and a cell's ending is always told in words.
PASSES_FOR_COMPLETED: Final = ("completed", "exit:0")


def is_control(traces: Traces) -> bool:
    """
    It ran outside of any cell.
    """
    return traces.outcome.partition(":")[0] in {"exit", "signal"}


def ran_in_a_cell(traces: Traces) -> bool:
    """
    It was neither the control nor refused before it ran.
    """
    return not is_control(traces) and not traces.outcome.startswith("refused")


def reached(ground: Ground, traces: Traces) -> list[str]:
    """
    What the hostile code said that it reached, and what was harmed besides.
    """
    lines = dict.fromkeys(re.findall(r"reached: [^\"\n\\]*", traces.text))
    return [*generic_harm(ground, traces), *list(lines)[:MOST]]


def beyond(**limits: int) -> Harm:
    """
    An oracle that also reads the gauge: peaks above these are harm.
    """

    def harm(ground: Ground, traces: Traces) -> list[str]:
        peaks = ground.gauge.peaks()
        found = [
            f"{name} reached {peaks[name]}, more than {most}"
            for name, most in limits.items()
            if peaks[name] > most
        ]
        return [*reached(ground, traces), *found]

    return harm


def confirmed(**limits: int) -> Harm:
    """
    An oracle for what only the host's own account shows, which others change too.  It confirms the
    hostile code's word in the control; in a cell that word alone is harm.
    """
    above = beyond(**limits)

    def harm(ground: Ground, traces: Traces) -> list[str]:
        said, seen = reached(ground, traces), above(ground, traces)
        return [] if is_control(traces) and len(seen) == len(said) else said and seen

    return harm


def ended_well(ground: Ground, traces: Traces) -> list[str]:
    """
    It passes for a run that completed, though it gave no result.
    """
    well = traces.outcome in PASSES_FOR_COMPLETED and traces.result is None
    said = [f"it passes for completed: {traces.outcome}"] if well else []
    return [*generic_harm(ground, traces), *said]


def took_its_runner_along(ground: Ground, traces: Traces) -> list[str]:
    """
    Whoever ran the tool ended with it, or is told that it completed.
    """
    kind = traces.outcome.partition(":")[0]
    along = kind in {"signal", "exit", "lost", "completed"}
    said = [f"whoever ran it ended as {traces.outcome}"] if along else []
    return [*generic_harm(ground, traces), *said]
