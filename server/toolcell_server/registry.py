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
from toolcell_server.bundles import outliving
from toolcell_server.bundles.reading import Reading
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import SwitchedOff, ToolBroken, UnknownTool
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.limits import Limits
    from toolcell_server.principal import Principal

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
        self._reading = Reading(defaults, ceilings)
        self._disabled = disabled
        self._ranks = {bundle: rank for rank, bundle in enumerate(order)}
        self._offers: dict[str, list[Tool]] = {}
        self._owners: dict[str, str] = {}
        self._tools: dict[str, list[Tool]] = {}  # by name; callable first, then newest first

    def replace(
        self,
        bundle: str,
        catalogue: Mapping[str, Any],
        generation: int = 0,
        living: Collection[int] = (),
    ) -> frozenset[int]:
        """
        Take a bundle's catalogue, `{"tools": [manifest, …], "files": [file, …], "broken": [{name,
        file, reason}, …]}`, in place of the one before.  With `"failed": reason` nothing of the
        bundle could be loaded: the tools that it had are broken, and keep their names.

        `generation` is the one that has loaded it, `living` are those before it that can still
        serve.

        Returns:
            The generations that serve a tool of the bundle.
        """
        had = self._offers.get(bundle, ())
        found = self._reading.tools(bundle, catalogue, generation)
        failed = catalogues.text(catalogue, "failed")
        self._offers[bundle] = (
            outliving.failed(had, found, failed, living)
            if failed
            else outliving.merged(had, found, living)
        )
        self._settle()
        return outliving.generations(self._offers[bundle])

    def not_reloaded(self, bundle: str, reason: str) -> None:
        """
        A bundle could not be loaded again, and is served as it was.
        """
        self._offers[bundle] = outliving.not_reloaded(self._offers.get(bundle, ()), reason)
        self._settle()

    def outdated(self, bundle: str) -> list[Tool]:
        """
        The tools of a bundle that are served as they were, because their source does not load.
        """
        return [tool for tool in self._offers.get(bundle, ()) if tool.reload_error]

    def _settle(self) -> None:
        """
        Who owns which name, and the tools by name, after the offers of a bundle have changed.
        """
        offered = {(tool.name, bundle) for bundle, tools in self._offers.items() for tool in tools}
        self._owners = {name: own for name, own in self._owners.items() if (name, own) in offered}
        self._index()

    def find(
        self,
        name: str,
        version: str = "",
        _principal: Principal = ANYBODY,
        *,
        may: May | None = None,
    ) -> Tool:
        """
        The tool of that name and exact version; without one, the newest that is not deprecated,
        and the newest of all if every one is.  Tools that `may` is false for are not there; who
        calls is not asked here: `PermittedTools` does that.

        Raises:
            UnknownTool: there is none; names close matches.
        """
        found = [tool for tool in self._tools.get(name, ()) if may is None or may(tool)]
        for tool in found:
            if version in ("", tool.version):
                return tool
        if found:
            offered = [tool.version for tool in found if tool.version]
            raise UnknownTool(name, [name], version, offered)
        raise UnknownTool(name, self._close_matches(name, may))

    def find_callable(
        self,
        name: str,
        version: str = "",
        _principal: Principal = ANYBODY,
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
        tool = self.find(name, version, may=may)
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

    def tools(self, _principal: Principal = ANYBODY) -> Iterator[Tool]:
        """
        Every tool: by name, then newest version first.
        """
        for name in sorted(self._tools):
            yield from sorted(self._tools[name], key=place, reverse=True)

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

    def _index(self) -> None:
        self._tools = defaultdict(list)
        for bundle, tools in self._offers.items():
            for tool in tools:
                owner = self._owners.get(tool.name, bundle)
                if tool.state != registry_pb2.TOOL_STATE_BROKEN and self._wins(bundle, owner):
                    self._owners[tool.name] = bundle
        for tool in (tool for tools in self._offers.values() for tool in tools):
            self._tools[tool.name].append(self._as_owned(tool))
        self._tools = dict(self._tools)
        for tools in self._tools.values():
            tools.sort(key=self._preference, reverse=True)

    def _wins(self, bundle: str, owner: str) -> bool:
        last = len(self._ranks)
        return bundle == owner or self._ranks.get(bundle, last) < self._ranks.get(owner, last)

    def _as_owned(self, tool: Tool) -> Tool:
        owner = self._owners.get(tool.name, tool.bundle)
        if owner != tool.bundle:
            reason = f"the bundle {owner} has a tool of this name; rename one of them"
            return Tool.broken(tool.name, tool.bundle, reason, tool.version)
        if tool.name in self._disabled and tool.state == registry_pb2.TOOL_STATE_AVAILABLE:
            return dataclasses.replace(tool, state=registry_pb2.TOOL_STATE_DISABLED)
        return tool

    def _preference(self, tool: Tool) -> tuple[bool, bool, versions.Order]:
        owned = self._owners.get(tool.name, tool.bundle) == tool.bundle
        return owned, not tool.deprecated, versions.order(tool.version)

    def _close_matches(self, name: str, may: May | None = None) -> list[str]:
        if len(name) > _LONGEST_NAME:  # difflib is quadratic, and the name is a caller's
            return []
        known = [at for at, of in self._tools.items() if may is None or any(map(may, of))]
        return difflib.get_close_matches(name, known, n=3)


def place(tool: Tool) -> tuple[versions.Order, str]:
    """
    Orders the tools of one name, oldest first.
    """
    return versions.order(tool.version), tool.bundle
