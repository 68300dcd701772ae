"""
Rules, and what they decide about one call.  Pure.

Theory of operation.  Rules only narrow what roles and scopes admit; none of them admits anything.
Their order does not matter, but for which of two messages is told and which of two routes is taken
(the first).  Of those that speak of a call, because of its tool and its caller:

1.  a `deny` that matches refuses it;
2.  if there is any `allow`, one of them must match, or the call is refused;
3.  a `route` that matches puts another tool in the place of this one, once;
4.  a `require_approval` that matches demands an approval, the stronger one of two.

A rule matches if all its conditions hold.  Where nobody can say whether one does (`conditions.py`),
`allow` does not match, and the others do: the doubt is never the caller's.

Rejected: the first rule that matches decides.  There, a rule for one case that is put above another
switches the other off, and nobody who reads a `deny` knows whether it denies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from toolcell_server.rights.conditions import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.rights.conditions import Condition
    from toolcell_server.rights.origins import Origins
    from toolcell_server.rights.selectors import Selectors

Then = Literal["allow", "deny", "require_approval", "route"]
THEN: Final = ("allow", "deny", "require_approval", "route")
APPROVALS: Final = ("confirm", "approve")  # the weaker one first


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule.  Without `roles` it speaks of everybody; with `outside`, only of callers that do not
    come from there, or nobody knows from where.  `otherwise` is the tool of a `route`, `approval`
    the kind that a `require_approval` demands.
    """

    name: str
    tools: Selectors
    then: Then
    roles: frozenset[str] = frozenset()
    when: tuple[Condition, ...] = ()
    outside: Origins | None = None
    otherwise: str = ""
    approval: str = "approve"
    message: str = ""

    @property
    def outright(self) -> bool:
        """
        Whether it forbids whatever the arguments are: then the tool is not there for this caller.
        """
        return self.then == "deny" and not self.when

    def answer(self, arguments: dict[str, Any]) -> tuple[Answer, str]:
        """
        Whether all conditions hold; if nobody can say, the argument that it is about.
        """
        found = [(condition.answer(arguments), condition.argument) for condition in self.when]
        for worst in (Answer.NO, Answer.TOO_LONG, Answer.UNDECIDED):
            for answer, argument in found:
                if answer is worst:
                    return answer, "" if answer is Answer.NO else argument
        return Answer.YES, ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    What comes of a call.  `rule` is the one that refuses it, or an `allow` that does not match.
    `argument` is the one that is missing, of another type, or too long.
    """

    refused: bool = False
    too_long: bool = False
    rule: Rule | None = None
    argument: str = ""
    route: Rule | None = None
    approval: str = ""


def decide(rules: Sequence[Rule], arguments: dict[str, Any]) -> Decision:
    """
    What these rules, all of which speak of the call's tool and caller, say to its arguments.
    """
    answers = [(rule, *rule.answer(arguments)) for rule in rules]
    for rule, answer, argument in answers:
        if answer is Answer.TOO_LONG:
            return Decision(refused=True, too_long=True, rule=rule, argument=argument)
    for rule, answer, argument in answers:
        if rule.then == "deny" and answer is not Answer.NO:
            return Decision(refused=True, rule=rule, argument=argument)
    allows = [
        (rule, answer, argument) for rule, answer, argument in answers if rule.then == "allow"
    ]
    if allows and not any(answer is Answer.YES for _, answer, _ in allows):
        told = next((rule for rule, _, _ in allows if rule.message), allows[0][0])
        doubtful = next((argument for _, _, argument in allows if argument), "")
        return Decision(refused=True, rule=told, argument=doubtful)
    matching = [rule for rule, answer, _ in answers if answer is not Answer.NO]
    demanded = {rule.approval for rule in matching if rule.then == "require_approval"}
    return Decision(
        route=next((rule for rule in matching if rule.then == "route"), None),
        approval=next((kind for kind in reversed(APPROVALS) if kind in demanded), ""),
    )
