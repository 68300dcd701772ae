"""
The tools of one scope, by name.

Theory of operation.  There may be ten thousand, and any of them may change while callers list and
call: so a change touches one name alone, in one turn of the event loop.  The names stay sorted, so
that a page of a list begins where the one before it ended without looking at those before.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from toolcell_server.tool import Tool


class Shelf:
    """
    Tools by name, those of one name in the order in which a call prefers them.
    """

    __slots__ = ("_names", "_tools")

    def __init__(self) -> None:
        self._tools: dict[str, tuple[Tool, ...]] = {}
        self._names: list[str] = []

    def of(self, name: str) -> tuple[Tool, ...]:
        """
        The tools of a name.
        """
        return self._tools.get(name, ())

    def put(self, name: str, tools: Sequence[Tool]) -> None:
        """
        Have these tools of that name, in place of those before.
        """
        if not tools:
            if self._tools.pop(name, None):
                del self._names[bisect_left(self._names, name)]
            return
        if name not in self._tools:
            insort(self._names, name)
        self._tools[name] = tuple(tools)

    def names(self, first: str = "") -> Iterator[str]:
        """
        The names, sorted, from that one on.  It is not to be changed meanwhile.
        """
        for index in range(bisect_left(self._names, first), len(self._names)):
            yield self._names[index]

    def __len__(self) -> int:
        return len(self._names)
