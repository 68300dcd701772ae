"""
What a run of an attack proves.  Pure.

An attack that does no harm outside proves nothing when it does none in a cell: it is void.  Harm
from a cell is a breach in any case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.battery.attack import Attack, Traces

HELD, BREACHED, VOID, REFUSED, KNOWN = "held", "breached", "void", "refused", "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    `harm` says what was breached, or why there is no verdict; `control` what the attack did
    outside, shortened.
    """

    attack: Attack
    verdict: str
    harm: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    outcome: str = ""
    denials: tuple[str, ...] = ()
    seconds: float = 0.0
    usage: dict[str, Any] = field(default_factory=dict)


def judge(
    attack: Attack,
    control: Sequence[str],
    traces: Traces,
    harm: Sequence[str],
    benign: str,
) -> Verdict:
    """
    `control` and `harm` are what the oracle saw outside and of the cell; `benign` says what is
    wrong with the harmless call that followed, if anything is.
    """
    found = [] if attack.known else list(harm)
    refused = traces.outcome.startswith("refused")
    if not refused and traces.outcome not in attack.endings:
        found.append(f"it ended as {traces.outcome}: {traces.message}".rstrip(": "))
    if benign:
        found.append(f"the service was harmed: {benign}")
    word = HELD
    if found:
        word = BREACHED
    elif refused and traces.outcome not in attack.endings:
        word, found = REFUSED, [f"the call was refused: {traces.message}"]
    elif harm:
        word, found = KNOWN, [f"a risk that is left: {attack.known}", *harm]
    elif not control:
        word, found = VOID, ["it does nothing outside either, so the cell proves nothing"]
    return Verdict(
        attack=attack,
        verdict=word,
        harm=tuple(found),
        control=tuple(control),
        outcome=traces.outcome,
        denials=traces.denials,
        seconds=traces.seconds,
        usage=dict(traces.usage),
    )
