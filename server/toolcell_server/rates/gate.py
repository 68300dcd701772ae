"""
The gate that counts: calls per window, calls at once, and what a day has left.

Theory of operation.  All bounds that a call meets are looked at before any is used, so that a call
which one of them refuses costs none of the others anything.  Places come before windows, because
they are given back with certainty; with windows in memory there is no await in between.

A call counts when it runs.  What is refused after this gate, or ends in the queue, or turns out to
be a repetition of one that runs, gives its place in the windows back when its execution is closed.
Calls that are joined or replayed by their `request_id` never come here.  A call with
`validate_only` is told what it would be told, and takes nothing.

Budgets (processor time, egress) are charged when a run has ended, because nobody knows before.  So
a call is refused once the budget is spent, and a run gets no higher a limit than what is left of
it: one run cannot overshoot by more than its cell does its limits, but runs at the same time each
may use the same remainder.  `concurrency` bounds that.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.database import StoreFailed
from toolcell_server.per_tool import PerTool
from toolcell_server.rates import manifests, subjects
from toolcell_server.rates.rules import MICROSECONDS, scope
from toolcell_server.rates.windows import Use
from toolcell_server.refusals import QuotaExceeded, QuotasUnreliable
from toolcell_server.refusals.quotas import Spent

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Sequence

    from toolcell_server.gates import Call
    from toolcell_server.limits import Limits
    from toolcell_server.rates.places import Places
    from toolcell_server.rates.rules import Rule
    from toolcell_server.rates.windows import Standing, Windows
    from toolcell_server.tool import Tool

SHORTEST_CPU_SECONDS: Final = 0.1  # arbitrary; less does not even start an interpreter
_BUDGETS: Final = frozenset({"cpu_seconds", "egress_bytes"})


class Run:
    """
    What one call took; see `gates.Taken`.
    """

    def __init__(
        self, windows: Windows, uses: Sequence[Use], at: float, give_back: Callable[[], None]
    ) -> None:
        self._windows, self._uses, self._at = windows, uses, at
        self._give_back_places = give_back
        self._begun = False

    @property
    def counts_usage(self) -> bool:
        return any(use.bound.kind in _BUDGETS for use in self._uses)

    def begin(self) -> None:
        self._begun = True

    def charge(self, cpu_seconds: float, network_bytes: int) -> None:
        for use in self._uses:
            if use.bound.kind == "cpu_seconds":
                self._windows.charge(use, round(cpu_seconds * MICROSECONDS))
            elif use.bound.kind == "egress_bytes":
                self._windows.charge(use, network_bytes)

    def end(self) -> None:
        self._give_back_places()

    def close(self) -> None:
        """
        The execution is closed, whether it ran or not.
        """
        self._give_back_places()
        if not self._begun:
            self._windows.give_back(self._uses, self._at)


@dataclass(frozen=True, slots=True)
class RateGate:
    """
    Lets calls pass as the operator's rules and the tools' own allow.  `refused` is told the kind of
    each refusal.  Lives on one event loop.
    """

    rules: tuple[Rule, ...]
    windows: Windows
    places: Places
    refused: Callable[[str], None] = lambda _kind: None
    _of_tools: PerTool[tuple[Rule, ...]] = dataclasses.field(
        default_factory=PerTool, init=False, repr=False, compare=False
    )

    async def let_pass(self, call: Call, resources: contextlib.ExitStack) -> Call:
        counted, at_once = self._uses(call)
        if not counted and not at_once:
            return call
        only_look = call.request.validate_only
        standings = self.places.look(at_once)
        full = any(standing.seconds for standing in standings)
        give_back = _nothing
        if at_once and not only_look and not full:
            give_back = self.places.take(at_once)
            resources.callback(give_back)
        at, seen = await self._take(counted, only_look=only_look or full)
        standings += seen
        if short := [standing for standing in standings if standing.seconds]:
            raise self._refusal(call, short)
        if only_look:
            return _narrowed(call, seen)
        run = Run(self.windows, counted, at, give_back)
        resources.callback(run.close)
        call.taken.append(run)
        return _narrowed(call, seen)

    async def _take(self, uses: Sequence[Use], *, only_look: bool) -> tuple[float, list[Standing]]:
        try:
            return await self.windows.take(uses, only_look=only_look)
        except StoreFailed as exc:
            self.refused("store")
            raise QuotasUnreliable from exc

    def _uses(self, call: Call) -> tuple[list[Use], list[Use]]:
        """
        What the call uses of windows and budgets, and of places.
        """
        counted: list[Use] = []
        at_once: list[Use] = []
        rules = self._rules(call.tool)
        subject = subjects.subject(call.principal) if rules else ""
        for rule in rules:
            if rule.is_about(call.principal):
                end = scope(rule.per, call.tool.identity, subject)
                for bound in rule.bounds:
                    uses = at_once if bound.kind == "concurrency" else counted
                    uses.append(Use(bound, bound.prefix + end))
        return counted, at_once

    def _rules(self, tool: Tool) -> tuple[Rule, ...]:
        """
        The rules about a tool, found once; of egress, only where it has any.
        """
        return self._of_tools.get(tool, self._made)

    def _made(self, tool: Tool) -> tuple[Rule, ...]:
        about = [rule for rule in self.rules if rule.is_about_tool(tool)]
        own = manifests.rule(tool.name, tool.rates)
        return tuple(_without_egress(tool, rule) for rule in (*about, *own))

    def _refusal(self, call: Call, short: Sequence[Standing]) -> QuotaExceeded:
        self.refused(short[0].use.bound.kind)
        subject = subjects.subject(call.principal)
        return QuotaExceeded([_spent(standing, subject) for standing in short])


def _nothing() -> None:
    """
    No places were taken.
    """


def _spent(standing: Standing, subject: str) -> Spent:
    bound = standing.use.bound
    unit = MICROSECONDS if bound.kind == "cpu_seconds" else 1
    return Spent(
        subject=subject,
        says=bound.says,
        kind=bound.kind,
        limit=f"{bound.limit / unit:g}" if unit > 1 else str(bound.limit),
        remaining=f"{standing.left / unit:g}" if unit > 1 else str(standing.left),
        seconds=standing.seconds,
    )


def _narrowed(call: Call, standings: Sequence[Standing]) -> Call:
    """
    The call with limits no higher than what its budgets have left.
    """
    limits = call.limits
    for standing in standings:
        if standing.use.bound.kind == "cpu_seconds":
            left = max(standing.left / MICROSECONDS, SHORTEST_CPU_SECONDS)
            limits = _lowered(limits, "cpu_seconds", left)
        elif standing.use.bound.kind == "egress_bytes":
            limits = _lowered(limits, "network_bytes", standing.left)
    return call if limits is call.limits else dataclasses.replace(call, limits=limits)


def _lowered(limits: Limits, name: str, left: float) -> Limits:
    if getattr(limits, name) <= left:
        return limits  # the same object: grants of calls with their tool's limits are kept
    changes: dict[str, Any] = {name: left}
    return dataclasses.replace(limits, **changes)


def _without_egress(tool: Tool, rule: Rule) -> Rule:
    """
    A tool that cannot reach out is not to be refused for what others have sent.
    """
    if tool.domains or not rule.egress_bytes_per_day:
        return rule
    return dataclasses.replace(rule, egress_bytes_per_day=0)
