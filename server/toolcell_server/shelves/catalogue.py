"""
The tools of what a bundle's zygote sends.

Nothing that a bundle sends makes this raise: what cannot be understood is a broken tool with a
reason.
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
class Parser:
    """
    Knows the limits of the operator.
    """

    defaults: Limits
    ceilings: Limits

    def parse(self, bundle: str, catalogue: Mapping[str, Any], generation: int = 0) -> list[Tool]:
        """
        Each name and version once; twice in one bundle, nobody knows which is meant.
        `generation` is the one that serves them.
        """
        found: dict[tuple[str, str], Tool] = {}
        for value, file in catalogues.with_files(catalogue):
            parsed = self._parse_one(bundle, value)
            tool = dataclasses.replace(parsed, file=file, generation=generation)
            if (tool.name, tool.version) in found:
                reason = "the bundle has this name and version twice; remove one"
                tool = Tool.broken(tool.name, bundle, reason, tool.version)
            found[tool.name, tool.version] = tool
        for value in catalogues.entries(catalogue, "broken"):
            tool = Tool.broken(catalogues.text(value, "name"), bundle, catalogues.located(value))
            tool = dataclasses.replace(tool, file=catalogues.text(value, "file"))
            found.setdefault((tool.name, tool.version), tool)
        if more := catalogues.left_out(catalogue):
            reason = f"{more} tools more than a bundle may have are not served; make two of it"
            found[bundle, ""] = Tool.broken(bundle, bundle, reason)
        return list(found.values())

    def _parse_one(self, bundle: str, value: Any) -> Tool:
        try:
            tool = Tool.from_manifest(
                value, bundle=bundle, defaults=self.defaults, ceilings=self.ceilings
            )
            tool.to_proto()  # half a surrogate pair fits JSON, and no message
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            name, version = catalogues.text(value, "name"), catalogues.text(value, "version")
            return Tool.broken(name, bundle, f"its manifest is not valid: {exc}", version)
        return tool
