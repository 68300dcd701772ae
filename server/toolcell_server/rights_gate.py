"""
The gate that shows a call to the operator's rules about arguments.

Theory of operation.  Whether the tool is the caller's at all was decided before its arguments were
read (`permitted.py`); here only rules speak whose answer depends on them.  A route puts another
tool in the place of the one that was called, once, and that tool is treated as if it had been
called: it must be the caller's, its arguments are prepared as it asks for (what its `transforms`
strip must not reach it by a detour), its limits and its schema hold, its own rules are asked.  If
it is not his, he hears that a rule does not allow the call, and no name of a tool that is none of
his business.

It stands after everything that alters arguments, so that what is judged is what runs.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeGuard

from toolcell_server.arguments.preparing import Preparing
from toolcell_server.refusals import CallRefused, DeniedByRule
from toolcell_server.rights import decide
from toolcell_server.rights.conditions import LONGEST_MATCHED
from toolcell_server.rights.rules import APPROVALS

if TYPE_CHECKING:
    import contextlib

    from toolcell_server.gates import Call
    from toolcell_server.permitted import PermittedTools
    from toolcell_server.rights import Decision, Rights, Rule
    from toolcell_server.tool import Tool
    from toolcell_server.validation import Validation

_NOT_YOURS: Final = "its rule routes it to a tool that is not there for this caller"
_TWICE: Final = "its rule routes it to a tool that is routed on; a call is routed once"


@dataclass(frozen=True, slots=True)
class RightsGate:
    """
    Refuses, routes or marks calls by their arguments.
    """

    rights: Rights
    tools: PermittedTools
    validation: Validation
    preparing: Preparing = field(default_factory=Preparing)

    async def let_pass(self, call: Call, _resources: contextlib.ExitStack) -> Call:
        """
        Raises:
            ArgumentsInvalid: a rule routes it to a tool whose schema the arguments violate.
            ArgumentsTooLarge: … whose limit they exceed.
            DeniedByRule: a rule does not let it through.
        """
        decision, call = self._judged(call)
        if not _leads_on(decision.route, call.tool):
            return call
        target = self._target(call, decision.route)
        limits = target.limits.narrowed_by(call.request.limits)
        arguments, data = self.preparing.prepared(target, call.data, limits.arguments_bytes)
        await self.validation.check(target, arguments, data)
        routed = dataclasses.replace(
            call, tool=target, limits=limits, arguments=arguments, data=data
        )
        again, routed = self._judged(routed)
        if _leads_on(again.route, target):
            raise DeniedByRule(again.route.name, _TWICE)
        return routed

    def _judged(self, call: Call) -> tuple[Decision, Call]:
        """
        What the rules say, and the call with what they demand.
        """
        rules = self.rights.reach(call.principal).rules(call.tool)
        decision = decide(rules, call.arguments)
        if decision.refused:
            raise _refusal(decision)
        demanded = _stronger(call.approval_demanded, decision.approval)
        if demanded == call.approval_demanded:
            return decision, call
        return decision, dataclasses.replace(call, approval_demanded=demanded)

    def _target(self, call: Call, rule: Rule) -> Tool:
        try:
            return self.tools.find_callable(rule.otherwise, "", call.principal)
        except CallRefused as exc:
            raise DeniedByRule(rule.name, rule.message or _NOT_YOURS) from exc


def _leads_on(route: Rule | None, tool: Tool) -> TypeGuard[Rule]:
    """
    Whether a route leads to another tool: "all of these to that one" means that one, too.
    """
    return route is not None and route.otherwise != tool.name


def _refusal(decision: Decision) -> DeniedByRule:
    rule, said = ("", "") if decision.rule is None else (decision.rule.name, decision.rule.message)
    why = ""
    if decision.too_long:
        why = f"has more than the {LONGEST_MATCHED} characters that a rule can judge"
    elif decision.argument:
        why = "is missing, or of a type or form that a rule cannot judge"
    return DeniedByRule(rule, said, decision.argument, why)


def _stronger(one: str, other: str) -> str:
    order = ("", *APPROVALS)
    return max(one, other, key=order.index)
