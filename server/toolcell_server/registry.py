"""
The tools that can be called, as the zygotes' catalogues name them.

Theory of operation.  Each bundle offers tools, and replaces all of its offers at once when its
zygote has reloaded; nobody ever sees half of a bundle.  A name belongs to the bundle that comes
first in the settings, the built-in one before all, for as long as that bundle offers it, broken or
not: the same name from another bundle is listed as broken, so that a second bundle can never take
over the calls of a first, whichever happens to load sooner.  Nothing that a
bundle sends makes this raise: what cannot be understood is a broken tool with a reason.
"""

from __future__ import annotations

import dataclasses
import difflib
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import registry_pb2

from toolcell_server import catalogues, versions
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import SwitchedOff, ToolBroken, UnknownTool
from toolcell_server.scopes import GLOBAL
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.limits import Limits
    from toolcell_server.principal import Principal
    from toolcell_server.scopes import Scope

    May = Callable[[Tool], bool]

__all__ = ["Registry", "Tool"]

_LONGEST_NAME: Final = 64


_log = logging.getLogger(__name__)


class Registry:
    """
    Tools by name and version.  `disabled` are the names that the operator switched off; `order`
    are the bundles, the one that wins a name first.
    """

    def __init__(
        self,
        defaults: Limits,
        ceilings: Limits,
        disabled: frozenset[str] = frozenset(),
        order: Sequence[str] = (),
    ) -> None:
        self._defaults = defaults
        self._ceilings = ceilings
        self._disabled = disabled
        self._ranks = {bundle: rank for rank, bundle in enumerate(order)}
        self._offers: dict[str, list[Tool]] = {}
        self._owners: dict[tuple[str, Scope], str] = {}  # bundle by name and scope
        self._tools: dict[str, list[Tool]] = {}  # by name; callable first, then newest first

    def replace(self, bundle: str, catalogue: Mapping[str, Any]) -> None:
        """
        Take a bundle's catalogue, `{"tools": [manifest, …], "broken": [{name, file, reason}, …]}`,
        in place of the one before.  With `"failed": reason` nothing of the bundle could be loaded:
        the tools that it had are broken, and keep their names.
        """
        had = self._offers.get(bundle, ())
        self._offers[bundle] = self._parse(bundle, catalogue)
        if reason := catalogues.text(catalogue, "failed"):
            named = {tool.name for tool in self._offers[bundle]}
            lost = [tool for tool in had if tool.name not in named]
            broken = [tool.as_broken(reason) for tool in lost]
            self._offers[bundle] += broken
        self._forget_owners()
        self._index()

    def offer(self, bundle: str, tools: Sequence[Tool]) -> None:
        """
        Take these tools, which somebody has checked, in place of all that the bundle had.
        """
        self._offers[bundle] = list(tools)
        if not tools:
            del self._offers[bundle]
        self._forget_owners()
        self._index()

    def is_taken(self, name: str, scope: Scope, bundle: str) -> bool:
        """
        Whether a tool of another bundle has that name for anybody in that scope.
        """
        others = (tool for tool in self.of_name(name) if tool.bundle != bundle)
        return any(tool.scope.holds_against(scope) for tool in others)

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
        and the newest of all if every one is.  Tools of others, and those that `may` is false for,
        are not there; what a caller may is not asked here: `PermittedTools` does that.

        Raises:
            UnknownTool: there is none; names close matches.
        """
        found = [tool for tool in self._tools.get(name, ()) if _is_there(tool, principal, may)]
        for tool in found:
            if version in ("", tool.version):
                return tool
        if found:
            offered = [tool.version for tool in found if tool.version]
            raise UnknownTool(name, [name], version, offered)
        raise UnknownTool(name, self._close_matches(name, principal, may))

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
            UnknownTool: there is none; names close matches.
        """
        tool = self.find(name, version, principal, may=may)
        if tool.state == registry_pb2.TOOL_STATE_DISABLED:
            raise SwitchedOff(f"the tool {tool.name}")
        if tool.state == registry_pb2.TOOL_STATE_BROKEN:
            raise ToolBroken(tool.name, tool.broken_reason)
        return tool

    def of_name(self, name: str) -> Sequence[Tool]:
        """
        The tools of one name, the one that a call gets first.
        """
        return self._tools.get(name, ())

    def tools(self, principal: Principal | None = None) -> Iterator[Tool]:
        """
        Every tool that is there for a principal, or of all: by name, then newest version first.
        """
        for name in sorted(self._tools):
            for tool in sorted(self._tools[name], key=place, reverse=True):
                if principal is None or tool.scope.visible_to(principal):
                    yield tool

    def unknown_disabled(self) -> dict[str, list[str]]:
        """
        The names that the operator switched off and no bundle has, with those that come close.
        """
        unknown = sorted(self._disabled - self._tools.keys())
        return {name: self._close_matches(name) for name in unknown}

    def warn_of_unknown_disabled(self) -> None:
        """
        A typing error in a safety switch leaves on what it should switch off.
        """
        for name, matches in self.unknown_disabled().items():
            fields = {"tool": name, "close_matches": ", ".join(matches)}
            said = "policy.tools_disabled names a tool that no bundle has"
            _log.warning(said, extra={"fields": fields})

    def warn_of_unknown_credentials(self, known: Collection[str]) -> None:
        """
        Each request of such a tool will be refused, and what it hears names no setting.
        """
        for tool in self.tools():
            for entry in tool.domains:
                name = entry.get("credential") if isinstance(entry, Mapping) else None
                if name is not None and name not in known:
                    fields = {"tool": tool.name, "bundle": tool.bundle, "credential": name}
                    said = "a tool names a credential that egress.credentials does not have"
                    _log.warning(said, extra={"fields": fields})

    def count(self, state: registry_pb2.ToolState.ValueType) -> int:
        """
        How many tools are in that state.
        """
        return sum(tool.state == state for tool in self.tools())

    def _forget_owners(self) -> None:
        offered = {
            ((tool.name, tool.scope), bundle)
            for bundle, tools in self._offers.items()
            for tool in tools
        }
        self._owners = {name: own for name, own in self._owners.items() if (name, own) in offered}

    def _index(self) -> None:
        self._tools = defaultdict(list)
        for bundle, tools in self._offers.items():
            for tool in tools:
                owner = self._owners.get((tool.name, tool.scope), bundle)
                if tool.state != registry_pb2.TOOL_STATE_BROKEN and self._wins(bundle, owner):
                    self._owners[tool.name, tool.scope] = bundle
        for tool in (tool for tools in self._offers.values() for tool in tools):
            self._tools[tool.name].append(self._as_owned(tool))
        self._tools = dict(self._tools)
        for tools in self._tools.values():
            tools.sort(key=self._preference, reverse=True)

    def _wins(self, bundle: str, owner: str) -> bool:
        last = len(self._ranks)
        return bundle == owner or self._ranks.get(bundle, last) < self._ranks.get(owner, last)

    def _as_owned(self, tool: Tool) -> Tool:
        owner = self._owners.get((tool.name, tool.scope), tool.bundle)
        if owner != tool.bundle:
            reason = f"the bundle {owner} has a tool of this name; rename one of them"
            return Tool.broken(tool.name, tool.bundle, reason, tool.version)
        if tool.name in self._disabled and tool.state == registry_pb2.TOOL_STATE_AVAILABLE:
            return dataclasses.replace(tool, state=registry_pb2.TOOL_STATE_DISABLED)
        return tool

    def _preference(self, tool: Tool) -> tuple[bool, bool, bool, versions.Order]:
        owned = self._owners.get((tool.name, tool.scope), tool.bundle) == tool.bundle
        for_all = tool.scope == GLOBAL  # nobody's own tool stands before one that is for everybody
        return owned, for_all, not tool.deprecated, versions.order(tool.version)

    def _close_matches(
        self, name: str, principal: Principal = ANYBODY, may: May | None = None
    ) -> list[str]:
        if len(name) > _LONGEST_NAME:  # difflib is quadratic, and the name is a caller's
            return []
        known = [
            at
            for at, tools in self._tools.items()
            if any(_is_there(tool, principal, may) for tool in tools)
        ]
        return difflib.get_close_matches(name, known, n=3)

    def _parse(self, bundle: str, catalogue: Mapping[str, Any]) -> list[Tool]:
        """
        Each name and version once; twice in one bundle, nobody knows which is meant.
        """
        found: dict[tuple[str, str], Tool] = {}
        for value in catalogues.entries(catalogue, "tools"):
            tool = self._parse_one(bundle, value)
            if (tool.name, tool.version) in found:
                reason = "the bundle has this name and version twice; remove one"
                tool = Tool.broken(tool.name, bundle, reason, tool.version)
            found[tool.name, tool.version] = tool
        for value in catalogues.entries(catalogue, "broken"):
            tool = Tool.broken(catalogues.text(value, "name"), bundle, catalogues.located(value))
            found.setdefault((tool.name, tool.version), tool)
        return list(found.values())

    def _parse_one(self, bundle: str, value: Any) -> Tool:
        try:
            tool = Tool.from_manifest(
                value, bundle=bundle, defaults=self._defaults, ceilings=self._ceilings
            )
            tool.to_proto()  # half a surrogate pair fits JSON, and no message
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            name, version = catalogues.text(value, "name"), catalogues.text(value, "version")
            return Tool.broken(name, bundle, f"its manifest is not valid: {exc}", version)
        return tool


def place(tool: Tool) -> tuple[versions.Order, str]:
    """
    Orders the tools of one name, oldest first.
    """
    return versions.order(tool.version), tool.bundle


def _is_there(tool: Tool, principal: Principal, may: May | None) -> bool:
    return tool.scope.visible_to(principal) and (may is None or may(tool))
