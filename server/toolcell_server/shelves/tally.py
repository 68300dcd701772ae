"""
How many tools there are of what kind.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.tool import Tool


class Tally:
    """
    `states` are the numbers of tools by state.
    """

    def __init__(self) -> None:
        self.states: Counter[int] = Counter()
        self._callable: Counter[str] = Counter()  # by bundle

    def bundles(self) -> list[str]:
        """
        The bundles with tools that can be called, sorted.
        """
        return sorted(bundle for bundle, count in self._callable.items() if count)

    def change(self, before: Iterable[Tool], after: Iterable[Tool]) -> None:
        """
        Those before are there no more, those after are.
        """
        for tools, change in ((before, -1), (after, 1)):
            for tool in tools:
                self.states[tool.state] += change
                if not tool.broken_reason:
                    self._callable[tool.bundle] += change
