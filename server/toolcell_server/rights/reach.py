"""
What one kind of caller may call, worked out once.  Pure.

Theory of operation.  Many callers have the same scopes and roles, and call the same few tools; so
what does not depend on arguments is kept, for each tool, as long as it is the same tool: after a
reload it is another object, and is looked at anew.  What is kept is bounded.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from toolcell_server.principal import OWN_TOOLS, TOOLS
from toolcell_server.scopes import GLOBAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_server.rights.rules import Rule
    from toolcell_server.rights.selectors import Selectors
    from toolcell_server.tool import Tool

_MOST_KEPT: Final = 256


class Standing(enum.Enum):
    """
    How a caller stands to a tool: it is not there for him, it is and he lacks a scope that it asks
    for, or he may call it.
    """

    HIDDEN = "hidden"
    LACKS_SCOPES = "lacks scopes"
    FREE = "free"


class Reach:
    """
    The tools that `admitted` selects (None: all) and that are `there`, without those that a rule in
    `rules` forbids outright.  `scopes` are all that the caller has.
    """

    def __init__(
        self,
        admitted: Selectors | None,
        scopes: frozenset[str],
        rules: Sequence[Rule] = (),
        there: Callable[[Tool], bool] = lambda _: True,
    ) -> None:
        self.scopes = scopes
        self._there = there
        self._admitted = admitted
        self._forbidden = [rule.tools for rule in rules if rule.outright]
        self._rules = [rule for rule in rules if not rule.outright]
        self._known: dict[tuple[str, str, str], tuple[Tool, Standing, tuple[Rule, ...]]] = {}

    def may_call(self, tool: Tool) -> bool:
        """
        Whether he may call it, as far as that does not depend on arguments.
        """
        return self._standing(tool) is Standing.FREE

    def frees(self, tool: Tool) -> bool:
        """
        As `may_call`, remembered: for tools that are called, not for all that there are.
        """
        return self._look_up(tool)[1] is Standing.FREE

    def standing(self, tool: Tool) -> Standing:
        """
        How he stands to it, remembered.
        """
        return self._look_up(tool)[1]

    def rules(self, tool: Tool) -> tuple[Rule, ...]:
        """
        The rules that speak of the tool, and whose answer depends on arguments, in order.
        """
        return self._look_up(tool)[2]

    def admits_name(self, name: str) -> bool:
        """
        Whether he may know that there is no tool of that name.
        """
        if any(tools.cover_name(name) for tools in self._forbidden):
            return False
        return self._admitted is None or self._admitted.cover_name(name)

    def missing(self, tool: Tool) -> list[str]:
        """
        The scopes that the tool asks for and the caller has not.
        """
        return sorted(set(tool.scopes) - self.scopes)

    def _owns(self, tool: Tool) -> bool:
        """
        Whether it is one of his own, which the registry shows to nobody else, and he may have any.
        """
        return tool.scope != GLOBAL and not self.scopes.isdisjoint((TOOLS, OWN_TOOLS))

    def _look_up(self, tool: Tool) -> tuple[Tool, Standing, tuple[Rule, ...]]:
        key = (tool.name, tool.version, tool.bundle)
        known = self._known.get(key)
        if known is None or known[0] is not tool:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            rules = tuple(rule for rule in self._rules if rule.tools.cover(tool))
            known = self._known[key] = (tool, self._standing(tool), rules)
        return known

    def _standing(self, tool: Tool) -> Standing:
        if self._admitted is not None and not self._admitted.cover(tool) and not self._owns(tool):
            return Standing.HIDDEN
        if not self._there(tool):
            return Standing.HIDDEN
        if any(tools.cover(tool) for tools in self._forbidden):
            return Standing.HIDDEN
        return Standing.FREE if self.scopes.issuperset(tool.scopes) else Standing.LACKS_SCOPES
