"""
The tools as one caller sees them: those that he may call.

Theory of operation.  Permission comes before existence.  A tool that is not there for a caller is
treated as one that does not exist, by the same lines: what he hears depends on the name that he
sent and on his own rights, and on nothing that is registered.  If his rights admit the name (a
wildcard), he hears that there is none; if not, that he is not permitted.  Nobody can learn from the
words, or from how long they take, what others may call; what comes close is looked for among what
he may call, and only for who may know.

Who may call a tool but for a scope that it asks for, is told which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.refusals import MissingScopes, NotPermitted
from toolcell_server.refusals.base import shown
from toolcell_server.rights import Standing
from toolcell_server.scopes import GLOBAL

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from toolcell_server.principal import Principal
    from toolcell_server.registry import Registry
    from toolcell_server.rights import Reach, Rights
    from toolcell_server.tool import Tool


class PermittedTools:
    """
    Finds tools in the registry for callers with these rights.
    """

    def __init__(self, registry: Registry, rights: Rights) -> None:
        self._registry = registry
        self._rights = rights

    def find(self, name: str, version: str, principal: Principal) -> Tool:
        """
        The tool as `Registry.find` finds it, among those that this caller may call.

        Raises:
            MissingScopes: it asks for scopes that he does not have.
            NotPermitted: he has no right to that name, whether or not there is such a tool.
            UnknownTool: there is none; names close matches.
        """
        reach = self._rights.reach(principal)
        self._check(name, reach, principal)
        return self._registry.find(name, version, principal, may=reach.frees)

    def find_callable(self, name: str, version: str, principal: Principal) -> Tool:
        """
        As `find`, for a call.

        Raises:
            SwitchedOff: the operator switched it off.
            ToolBroken: it does not load.
        """
        reach = self._rights.reach(principal)
        self._check(name, reach, principal)
        return self._registry.find_callable(name, version, principal, may=reach.frees)

    def tools(self, principal: Principal, first: str = "") -> Iterator[Tool]:
        """
        Every tool that the caller may call, as `Registry.tools` orders them, from a name on.
        """
        may = self._rights.reach(principal).may_call
        return self._registry.tools(principal, first, may=may)

    def are_of(self, principal: Principal, tool: Tool) -> bool:
        """
        Whether a caller may call a tool, or might have when it was there.
        """
        return tool.scope.visible_to(principal) and self._rights.reach(principal).may_call(tool)

    def now(self, tool: Tool, principal: Principal) -> Tool | None:
        """
        What a tool has become, if it is still there for a caller.
        """
        for each in self._registry.of_name(tool.name, principal):
            if (each.version, each.bundle) == (tool.version, tool.bundle):
                return each if self.are_of(principal, each) else None
        return None

    def kind(self, principal: Principal) -> tuple[Hashable, Callable[[Tool], bool]]:
        """
        What callers who may call the same have in common, and whether they may call a tool.
        """
        reach = self._rights.reach(principal)
        if self._registry.has_own(principal):
            key = (reach, principal.name, principal.session)
            return key, lambda tool: tool.scope.visible_to(principal) and reach.may_call(tool)
        return reach, lambda tool: tool.scope == GLOBAL and reach.may_call(tool)

    def known(self, name: str, principal: Principal) -> Tool | None:
        """
        What everybody has by a name and this caller may know of.
        """
        reach = self._rights.reach(principal)
        tools = (tool for tool in self._registry.of_name(name) if tool.scope == GLOBAL)
        return next((tool for tool in tools if reach.standing(tool) is not Standing.HIDDEN), None)

    def check_offered(self, tool: Tool, principal: Principal) -> None:
        """
        Whether he may offer a tool: it is his to call by its name, whatever else it is, and whether
        or not there is one.

        Raises:
            NotPermitted: it would not be.
        """
        reach = self._rights.reach(principal)
        if not reach.admits_name(tool.name) or reach.standing(tool) is Standing.HIDDEN:
            what = f"offering the tool {shown(tool.name)} without the right to call that name"
            raise NotPermitted(what)

    def _check(self, name: str, reach: Reach, principal: Principal) -> None:
        """
        Whether he may call any tool of that name, or at least know that there is none.
        """
        lacking: Tool | None = None
        for tool in self._registry.of_name(name, principal):
            standing = reach.standing(tool)
            if standing is Standing.FREE:
                return
            if standing is Standing.LACKS_SCOPES:
                lacking = lacking or tool
        if lacking is not None:
            raise MissingScopes(name, reach.missing(lacking))
        if not reach.admits_name(name):
            raise NotPermitted(f"the tool {shown(name)}")
