"""
The rights of callers: roles into scopes, scopes into what may be called.

Theory of operation.  Nothing of this knows how a caller proved who he is.  `expand` turns the roles
of a credential into scopes, once; roles that hold at some origins only are left out there, because
a credential comes from nowhere.  `located` adds what they give at the origin of one call; whoever
asks scopes of a call asks those.  Both may be done again: twice is once.

Who is governed.  Without roles in the settings and without authentication, whoever reaches the
server may call every tool that asks for no scopes.  As soon as there are roles, or callers have
names, or the server authenticates, a caller may call what a scope of his admits, and nothing else:
no roles and no scopes is nothing, never everything.

What callers of one kind may do is kept in a `Reach`; as the credentials may be anybody's, as many
kinds as there are sets of scopes, the oldest goes when there are too many.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Final

from toolcell_server.rights.availability import Environment, is_there
from toolcell_server.rights.reach import Reach
from toolcell_server.rights.roles import selectors
from toolcell_server.rights.selectors import Selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sized

    from toolcell_server.principal import Principal
    from toolcell_server.rights.roles import Role
    from toolcell_server.rights.rules import Rule
    from toolcell_server.tool import Tool

    # Anonymous, his scopes and roles, which origins his is one of, and his labels.
    Key = tuple[bool, frozenset[str], frozenset[str], tuple[bool, ...], frozenset[tuple[str, str]]]

_MOST_REACHES: Final = 256
_NOWHERE: Final = Environment()
_UNLABELLED: Final[frozenset[tuple[str, str]]] = frozenset()
_MOST_WARNINGS: Final = 100  # of roles in credentials that others made

_log = logging.getLogger(__name__)


class Rights:
    """
    What the operator's roles and rules give and take.  `anonymous` are the roles of callers
    without a name.  Lives on one event loop.
    """

    def __init__(
        self,
        roles: Iterable[Role] = (),
        rules: Iterable[Rule] = (),
        anonymous: frozenset[str] = frozenset(),
        *,
        authenticated: bool = False,
        environment: Environment = _NOWHERE,
    ) -> None:
        self._roles = {role.name: role for role in roles}
        self._rules = tuple(rules)
        self._anonymous = anonymous
        self._authenticated = authenticated
        self._environment = environment
        every = [role.origins for role in self._roles.values()]
        every += [rule.outside for rule in self._rules]
        self._origins = [origins for origins in every if origins is not None]
        self._reaches: dict[Key, Reach] = {}
        self._warned: set[str] = set()

    @property
    def depend_on_arguments(self) -> bool:
        """
        Whether there are rules that a call must be shown to.
        """
        return any(not rule.outright for rule in self._rules)

    def expand(self, principal: Principal) -> Principal:
        """
        A principal with the scopes of his roles, those apart that hold at some origins only.  A
        role that the settings do not have gives nothing; that is logged once.
        """
        self._warn_of_unknown(principal.roles)
        held = (self._roles[name] for name in principal.roles if name in self._roles)
        return _with(principal, (role for role in held if role.origins is None))

    def located(self, principal: Principal) -> Principal:
        """
        A principal with all scopes that his roles give him where he calls from.
        """
        scopes = self.reach(principal).scopes
        if scopes == principal.scopes:
            return principal
        return dataclasses.replace(principal, scopes=scopes)

    def reach(self, principal: Principal) -> Reach:
        """
        What a caller may call.
        """
        places = tuple(origins.include(principal.origin) for origins in self._origins)
        labels = frozenset(principal.labels.items()) if principal.labels else _UNLABELLED
        key = (not principal.name, principal.scopes, principal.roles, places, labels)
        reach = self._reaches.get(key)
        if reach is None:
            if len(self._reaches) >= _MOST_REACHES:
                del self._reaches[next(iter(self._reaches))]
            reach = self._reaches[key] = self._worked_out(principal)
        return reach

    def warn_of_unknown(self, found: Callable[[str], Sized]) -> None:
        """
        A typing error in a rule leaves on what it should switch off.
        """
        named = [(f"the rule {rule.name}", rule.tools.names) for rule in self._rules]
        named += [
            (f"the rule {rule.name}", frozenset({rule.otherwise}))
            for rule in self._rules
            if rule.otherwise
        ]
        named += [
            (f"the role {role.name}", Selectors.lenient(role.tools).names)
            for role in self._roles.values()
        ]
        for where, names in named:
            for name in sorted(names):
                if not found(name):
                    said = "a tool is named that no bundle has"
                    _log.warning(said, extra={"fields": {"where": where, "tool": name}})

    def _worked_out(self, principal: Principal) -> Reach:
        roles = principal.roles
        if not principal.name:
            roles |= self._anonymous
        held = [self._roles[name] for name in roles if name in self._roles]
        in_force = [role for role in held if role.holds_at(principal.origin)]
        scopes = _with(principal, in_force).scopes
        governed = bool(self._roles or principal.name or self._authenticated)
        admitted = Selectors.lenient(selectors(scopes)) if governed else None
        given = frozenset(role.name for role in in_force)
        rules = [rule for rule in self._rules if _speaks(rule, roles, given, principal.origin)]
        labels = principal.labels

        def there(tool: Tool) -> bool:
            return is_there(tool.conditions, self._environment, given, labels)

        return Reach(admitted, scopes, rules, there)

    def _warn_of_unknown(self, names: frozenset[str]) -> None:
        for name in names - self._roles.keys() - self._warned:
            if len(self._warned) < _MOST_WARNINGS:
                self._warned.add(name)
                said = "a credential has a role that the settings do not have"
                _log.warning(said, extra={"fields": {"role": name[:128]}})


def _speaks(rule: Rule, held: frozenset[str], in_force: frozenset[str], origin: str) -> bool:
    """
    Whether a rule is about such a caller.  What takes something away goes by every role that he
    has; what lets him through, by those alone that hold where he calls from.
    """
    if rule.roles and not rule.roles & (in_force if rule.then == "allow" else held):
        return False
    return rule.outside is None or not rule.outside.include(origin)


def _with(principal: Principal, roles: Iterable[Role]) -> Principal:
    scopes = principal.scopes.union(*(role.granted for role in roles))
    return (
        principal if scopes == principal.scopes else dataclasses.replace(principal, scopes=scopes)
    )
