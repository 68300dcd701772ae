"""
Where hosted tools are shown: in the registry, and in the metrics of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.metrics import Metrics
    from toolcell_server.registry import Registry
    from toolcell_server.scopes import Scope
    from toolcell_server.tool import Tool
    from toolcell_server.validation import Validation


@dataclass(frozen=True, slots=True)
class Showing:
    """
    A `Shelf` that tells whoever counts or remembers tools.
    """

    registry: Registry
    metrics: Metrics
    validation: Validation

    def offer(self, bundle: str, tools: Sequence[Tool]) -> None:
        self.registry.offer(bundle, tools)
        self.metrics.show_tools(self.registry)
        if not tools:
            self.validation.forget(bundle)

    def is_taken(self, name: str, scope: Scope, bundle: str) -> bool:
        return self.registry.is_taken(name, scope, bundle)
