"""
Names that come close to one that nobody has.

Theory of operation.  What comes close is looked for among what a caller may call, and nothing else:
what others have must not tell by the time that it takes.  Which names those are is worked out once
for each kind of caller and kept until the names change, because a caller that guesses names could
otherwise keep the server busy; what callers themselves register does not count as such a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from toolcell_server.shelves.shelf import Shelf
    from toolcell_server.tool import Tool

    May = Callable[[Tool], bool]

LONGEST_NAME: Final = 64
_MOST: Final = 3
_CUTOFF: Final = 60  # percent; that of difflib, which is a hundred times slower
_MOST_KEPT: Final = 64  # arbitrary; kinds of callers


class CloseMatches:
    """
    Looks on the shelf of everybody's tools; `changed` is to be called when a name of it is.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._kept: dict[May | None, list[str]] = {}

    def changed(self) -> None:
        self._kept.clear()

    def of(self, name: str, may: May | None, own: Iterable[str] = ()) -> list[str]:
        """
        The closest names of tools for which `may` is true, and among `own`; closest first.
        """
        if len(name) > LONGEST_NAME:  # the time that it takes grows with it
            return []
        known = [*self._names(may), *own]
        found = process.extract(name, known, scorer=fuzz.ratio, limit=_MOST, score_cutoff=_CUTOFF)
        return [match for match, _, _ in found]

    def _names(self, may: May | None) -> list[str]:
        known = self._kept.get(may)
        if known is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            known = self._kept[may] = [
                name
                for name in self._shelf.names()
                if may is None or any(map(may, self._shelf.of(name)))
            ]
        return known
