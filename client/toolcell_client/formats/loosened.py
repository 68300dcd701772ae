"""
What an exported schema does not say that the tool's own says.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Strictness = bool | Literal["where_possible"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosened:
    """
    One keyword of a tool's schema that a provider is not told as it stands.  `place` is a JSON
    pointer into the tool's own schema; `tool` is "" for what is so of all of them.  The server
    still checks arguments against that schema.  `prevents_strict`: because of it the tool is
    offered without strict mode.
    """

    tool: str
    place: str
    keyword: str
    reason: str
    remedy: str
    prevents_strict: bool = False

    def __str__(self) -> str:
        where = f" at {self.place}" if self.place else ""
        return f"{self.tool or 'all tools'}: {self.keyword}{where}: {self.reason}; {self.remedy}"
