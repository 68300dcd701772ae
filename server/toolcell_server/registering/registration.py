"""
One version of one tool as it was registered.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_server.scopes import Scope
    from toolcell_server.tool import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """
    `tool` is what callers find; broken if its definition no longer holds.  `size` is that of the
    definition, in bytes; `by` the principal that registered it.
    """

    tool: Tool
    size: int
    by: str

    @property
    def scope(self) -> Scope:
        return self.tool.scope

    def deprecated(self, reason: str, sunset: float) -> Registration:
        """
        The same, deprecated; without a reason, not deprecated.
        """
        tool = dataclasses.replace(self.tool, deprecated=reason, sunset=sunset)
        return dataclasses.replace(self, tool=tool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """
    A registration that is to be, and what of it is kept beside: its manifest, and the definition
    that it came from, which it may share with others.
    """

    registration: Registration
    manifest_json: bytes
    definition: bytes
