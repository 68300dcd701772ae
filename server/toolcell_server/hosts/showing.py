"""
Where hosted tools are shown: in the registry, and in the metrics of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.hosts.owner import Owner
    from toolcell_server.metrics import Metrics
    from toolcell_server.registry import Registry
    from toolcell_server.scopes import Scope
    from toolcell_server.tool import Tool


@dataclass(frozen=True, slots=True)
class Showing:
    """
    A `Stall` that tells whoever counts tools.  What is hosted stands where what is registered does,
    name by name: no name is both.
    """

    registry: Registry
    metrics: Metrics
    _names: dict[str, set[str]] = field(default_factory=dict)  # by bundle

    def offer(self, owner: Owner, tools: Sequence[Tool]) -> None:
        names = {tool.name for tool in tools}
        for name in names | self._names.pop(owner.bundle, set()):
            named = [tool for tool in tools if tool.name == name]
            self.registry.put(owner.scope, name, named, owner.bundle)
        if names:
            self._names[owner.bundle] = names
        self.metrics.show_tools(self.registry)

    def is_taken(self, name: str, scope: Scope, bundle: str) -> bool:
        others = (tool for tool in self.registry.everywhere(name) if tool.bundle != bundle)
        return any(tool.scope.holds_against(scope) for tool in others)
