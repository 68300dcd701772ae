"""
From a bundle's catalogue to its tools.  Nothing that a bundle sends makes this raise: what cannot
be understood is a broken tool with a reason.  Pure.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_server import catalogues
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.limits import Limits


@dataclass(frozen=True, slots=True)
class Reading:
    """
    Reads catalogues of bundles whose tools have these limits.
    """

    defaults: Limits
    ceilings: Limits

    def tools(self, bundle: str, catalogue: Mapping[str, Any], generation: int) -> list[Tool]:
        """
        Each name and version once; twice in one bundle, nobody knows which is meant.
        """
        found: dict[tuple[str, str], Tool] = {}
        for value, file in catalogues.with_files(catalogue):
            parsed = self.tool(bundle, value)
            tool = dataclasses.replace(parsed, file=file, generation=generation)
            if (tool.name, tool.version) in found:
                reason = "the bundle has this name and version twice; remove one"
                tool = Tool.broken(tool.name, bundle, reason, tool.version)
            found[tool.name, tool.version] = tool
        for value in catalogues.entries(catalogue, "broken"):
            name, reason = catalogues.text(value, "name"), catalogues.located(value)
            tool = Tool.broken(name, bundle, reason)
            tool = dataclasses.replace(tool, file=catalogues.text(value, "file"))
            found.setdefault((tool.name, tool.version), tool)
        return list(found.values())

    def tool(self, bundle: str, value: Any) -> Tool:
        """
        One tool, as its manifest has it.
        """
        try:
            tool = Tool.from_manifest(
                value, bundle=bundle, defaults=self.defaults, ceilings=self.ceilings
            )
            tool.to_proto()  # half a surrogate pair fits JSON, and no message
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            name, version = catalogues.text(value, "name"), catalogues.text(value, "version")
            return Tool.broken(name, bundle, f"its manifest is not valid: {exc}", version)
        return tool
