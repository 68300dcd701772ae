"""
Which calls need an approval, and of which kind.  Pure.

Theory of operation.  `confirm` is answered by whoever calls, in a second call; `approve` by a
different principal.  Four may ask for one: the tool's manifest, the operator's default for
destructive tools, the operator's entry for a tool, and the rights of the caller.  The strongest
counts, with one exception: an entry of the operator that names a tool replaces what the manifest
and the default say, because the operator answers for the tool and its author does not.  The rights
are the operator's too, and may only add.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from toolcell_server.per_tool import PerTool

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from toolcell_server.tool import Tool

Kind = Literal["", "confirm", "approve"]
NONE: Final[Kind] = ""
CONFIRM: Final[Kind] = "confirm"
APPROVE: Final[Kind] = "approve"
KINDS: Final[tuple[Kind, ...]] = (NONE, CONFIRM, APPROVE)  # weakest first


def strongest(*kinds: str) -> Kind:
    """
    The one that asks for most.  A word that is none of them is the strongest: who wrote it wanted
    something, and nobody knows what.
    """
    return max((kind if kind in KINDS else APPROVE for kind in kinds), key=strength)


def strength(kind: Kind) -> int:
    """
    Its place among the kinds; a stronger one will do where a weaker is asked for.
    """
    return KINDS.index(kind)


@dataclass(frozen=True, slots=True)
class ToolKind:
    """
    The operator's word about tools: `pattern` is a name, in which `*` stands for any characters.
    """

    pattern: str
    kind: Kind

    def fits(self, name: str) -> bool:
        return fnmatchcase(name, self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """
    What is demanded of each tool; worked out once for each, as long as it is not reloaded.
    """

    default_for_destructive: Kind = NONE
    tools: Sequence[ToolKind] = ()
    _known: PerTool[Kind] = field(default_factory=PerTool, init=False)

    def of(self, tool: Tool, demanded: str = NONE) -> Kind:
        """
        What a call of that tool needs; `demanded` is what the caller's rights ask for.
        """
        known = self._known.get(tool, self._of_tool)
        return strongest(known, demanded) if demanded else known

    def unmatched(self, names: Collection[str]) -> list[str]:
        """
        The patterns that fit none of these names: a typing error in a safety switch leaves off
        what it should switch on.
        """
        return [
            entry.pattern for entry in self.tools if not any(entry.fits(name) for name in names)
        ]

    def _of_tool(self, tool: Tool) -> Kind:
        for entry in self.tools:
            if entry.fits(tool.name):
                return entry.kind
        default = self.default_for_destructive if tool.effects == "destructive" else NONE
        return strongest(tool.approval, default)
