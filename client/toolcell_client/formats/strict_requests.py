"""
What all strict tools of one request may take together.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.formats.limits import (
    ANTHROPIC_OPTIONAL,
    ANTHROPIC_STRICT_TOOLS,
    ANTHROPIC_UNIONS,
)
from toolcell_client.formats.loosened import Loosened
from toolcell_client.formats.strict_limits import anthropic_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.formats.schemas import Exported

_MOST = (
    ("strict", ANTHROPIC_STRICT_TOOLS, "strict tools"),
    ("required", ANTHROPIC_OPTIONAL, "optional parameters of strict tools"),
    ("anyOf", ANTHROPIC_UNIONS, "unions in strict tools"),
)


class Request:
    """
    Counts the strict tools of one request.
    """

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.taken = (0, 0, 0)

    def over(self, tool: str, exported: Exported) -> Iterator[Loosened]:
        """
        Why one more strict tool is too much.
        """
        if self.provider != "anthropic":
            return
        for (keyword, most, what), taken, more in zip(
            _MOST, self.taken, self._counts(exported), strict=True
        ):
            if more and taken + more > most:
                yield Loosened(
                    tool=tool,
                    place="",
                    keyword=keyword,
                    reason=f"a request has at most {most} {what}; with it there are {taken + more}",
                    remedy="offer fewer tools at once, with `only`",
                    prevents_strict=True,
                )

    def add(self, exported: Exported) -> None:
        """
        Count a tool that is strict.
        """
        counts = self._counts(exported)
        self.taken = (
            self.taken[0] + counts[0],
            self.taken[1] + counts[1],
            self.taken[2] + counts[2],
        )

    def _counts(self, exported: Exported) -> tuple[int, int, int]:
        return (1, *anthropic_counts(exported.parameters))
