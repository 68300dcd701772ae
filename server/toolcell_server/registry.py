"""
The tools that can be called: as the zygotes' catalogues name them, and as they were registered.

Theory of operation.  Each bundle offers tools, and replaces all of its offers at once when its
zygote has reloaded; nobody ever sees half of a bundle.  Whose a name is that several offer is said
in `shelves/offers.py`.

What was registered for one principal, or one of its sessions, stands on a shelf of its own, which
is looked at for that caller alone, and only if everybody's has nothing of that name that he may
call: no such tool ever takes a call that was meant for another.  A change touches one name.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2

from toolcell_server import catalogues
from toolcell_server.bundles import outliving
from toolcell_server.bundles.outliving import ONCE, Loaded
from toolcell_server.carried import REGISTERED
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import SwitchedOff, ToolBroken, ToolRetired, UnknownTool
from toolcell_server.scopes import GLOBAL
from toolcell_server.shelves.catalogue import Parser
from toolcell_server.shelves.changes import Changes
from toolcell_server.shelves.close_matches import CloseMatches
from toolcell_server.shelves.offers import Offers, preference
from toolcell_server.shelves.ordered import ordered
from toolcell_server.shelves.own import OwnShelves
from toolcell_server.shelves.shelf import Shelf
from toolcell_server.shelves.tally import Tally
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from toolcell_server.limits import Limits
    from toolcell_server.principal import Principal
    from toolcell_server.scopes import Scope

    May = Callable[[Tool], bool]

__all__ = ["Registry", "Tool"]


class Registry:
    """
    Tools by name and version.  `disabled` are the names that the operator switched off; `order`
    are the bundles, the one that wins a name first.  Lives on one event loop.
    """

    def __init__(
        self,
        defaults: Limits,
        ceilings: Limits,
        disabled: frozenset[str] = frozenset(),
        order: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.parser = Parser(defaults, ceilings)
        self.changes = Changes()
        self._disabled = disabled
        self._clock = clock
        self.offers = Offers(order)
        self._shelf = Shelf()  # everybody's; of one name the callable first, then the newest
        self._own = OwnShelves()
        self.tally = Tally()
        self._close = CloseMatches(self._shelf)

    def replace(
        self, bundle: str, catalogue: Mapping[str, Any], loaded: Loaded = ONCE
    ) -> frozenset[int]:
        """
        Take what a bundle has `loaded`, in place of what it had; the generations that serve it.
        """
        had, failed = self.offers.of_bundle(bundle), catalogues.text(catalogue, "failed")
        found = self.parser.parse(bundle, catalogue, loaded.generation)
        tools = outliving.merged(had, found, loaded.living, failed)
        self.offer(bundle, tools)
        return outliving.generations(tools)

    def offer(self, bundle: str, tools: Sequence[Tool]) -> None:
        """
        Have these tools of a bundle, in place of all that it had.
        """
        self._index(self.offers.replace(bundle, tools))

    def put(self, scope: Scope, name: str, tools: Sequence[Tool], bundle: str = REGISTERED) -> None:
        """
        Have these tools of a bundle in a scope, by that name, in place of those before.
        """
        if scope == GLOBAL:
            self.offers.put(bundle, name, tools)
            self._index([name])
            return
        now = sorted(map(self._as_switched, tools), key=preference, reverse=True)
        self._changed(self._own.put(scope, name, now), now)

    def find(
        self,
        name: str,
        version: str = "",
        principal: Principal = ANYBODY,
        *,
        may: May | None = None,
    ) -> Tool:
        """
        The tool of that name and exact version; without one, the newest that is not deprecated,
        and the newest of all if every one is.  Tools that `may` is false for are not there; whose
        rights those are is not asked here: `PermittedTools` does that.

        Raises:
            UnknownTool: there is none; names close matches.
        """
        return self._versions(name, version, principal, may)[0]

    def find_callable(
        self,
        name: str,
        version: str = "",
        principal: Principal = ANYBODY,
        *,
        may: May | None = None,
    ) -> Tool:
        """
        As `find`, for a call.

        Raises:
            SwitchedOff: the operator switched it off.
            ToolBroken: it does not load.
            ToolRetired: it was deprecated, and its time is over.
            UnknownTool: there is none; names close matches.
        """
        found = self._versions(name, version, principal, may)
        tool = found[0]
        if tool.sunset and self._clock() >= tool.sunset:
            now = self._clock()
            left = (each for each in found if not each.sunset or now < each.sunset)
            if (tool := next(left, tool)).sunset and now >= tool.sunset:
                raise ToolRetired(tool.name, tool.version, tool.sunset, tool.deprecated)
        if tool.state == registry_pb2.TOOL_STATE_DISABLED:
            raise SwitchedOff(f"the tool {tool.name}")
        if tool.state == registry_pb2.TOOL_STATE_BROKEN:
            raise ToolBroken(tool.name, tool.broken_reason)
        return tool

    def of_name(self, name: str, principal: Principal = ANYBODY) -> Sequence[Tool]:
        """
        The tools of one name that may be that caller's, the one that a call gets first.
        """
        tools = self._shelf.of(name)
        return (*tools, *self._own.of(name, principal)) if self._own else tools

    def everywhere(self, name: str) -> Iterator[Tool]:
        """
        The tools of one name, whoever's they are.
        """
        yield from self._shelf.of(name)
        yield from self._own.everywhere(name)

    def names(self) -> Iterable[str]:
        """
        Every name that there is a tool by, whoever's.
        """
        return {*self._shelf.names(), *self._own.names()}

    def has_own(self, principal: Principal) -> bool:
        """
        Whether there are tools for that caller alone.
        """
        return bool(self._own.of_caller(principal))

    def holders(self, name: str, principal: str | None = None) -> Collection[Scope]:
        """
        The scopes, everybody's apart, of one principal or all, where that name is registered.
        """
        return self._own.holders(name, principal)

    def tools(
        self, principal: Principal = ANYBODY, first: str = "", *, may: May | None = None
    ) -> Iterator[Tool]:
        """
        Every tool of everybody's and of that caller for which `may` is true: by name, from `first`
        on, then newest version first.
        """
        return ordered(self._shelf, self._own, principal, first, may or _all)

    def unknown_disabled(self) -> dict[str, list[str]]:
        """
        The names that the operator switched off and no bundle has, with those that come close.
        """
        unknown = sorted(name for name in self._disabled if not self._shelf.of(name))
        return {name: self._close.of(name, None) for name in unknown}

    def count(self, state: registry_pb2.ToolState.ValueType) -> int:
        """
        How many tools, whoever's, are in that state.
        """
        return self.tally.states[state]

    def _versions(
        self, name: str, version: str, principal: Principal, may: May | None
    ) -> list[Tool]:
        found = [tool for tool in self._shelf.of(name) if may is None or may(tool)]
        if not found and self._own:
            found = [t for t in self._own.of(name, principal) if may is None or may(t)]
        if found and not version:
            return found
        for tool in found:
            if version == tool.version:
                return [tool]
        if found:
            offered = [tool.version for tool in found if tool.version]
            raise UnknownTool(name, [name], version, offered)
        own = (each for shelf in self._own.of_caller(principal) for each in shelf.names())
        raise UnknownTool(name, self._close.of(name, may, own))

    def _index(self, names: Iterable[str]) -> None:
        """
        Have in order what is offered by these names.
        """
        for name in names:
            now = [self._as_switched(tool) for tool in self.offers.of(name)]
            before = self._shelf.of(name)
            self._shelf.put(name, now)
            self._changed(before, now)
        self._close.changed()

    def _changed(self, before: Iterable[Tool], after: Iterable[Tool]) -> None:
        self.tally.change(before, after)
        self.changes.note(before, after)

    def _as_switched(self, tool: Tool) -> Tool:
        if tool.name in self._disabled and tool.state == registry_pb2.TOOL_STATE_AVAILABLE:
            return dataclasses.replace(tool, state=registry_pb2.TOOL_STATE_DISABLED)
        return tool


def _all(_: Tool) -> bool:
    return True
