"""
What a query asks for, in words that tools have.  Pure.

Theory of operation.  A word that no tool of the caller's has is looked for as the beginning of one
that a tool has, and then as a slip of the finger; what it was taken for counts a little less than
what was written.  Neighbours are tried as one word too: "data set" is written "dataset" as often.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell_server.searching import words
from toolcell_server.searching.words import stem

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.searching.vocabulary import Vocabulary

_BEGUN: Final = 0.8
_MEANT: Final = 0.7
_JOINED: Final = 0.8
_MOST_BEGUN: Final = 3  # words that one is taken for the beginning of
_MOST_MEANT: Final = 2
_MOST_MENDED: Final = 8  # words of a query that are looked for so; each costs a millisecond


@dataclass(slots=True)
class Understood:
    """
    `stems` with what each is worth; `taken` are words that no tool has, with what they were taken
    for.
    """

    stems: dict[str, float] = field(default_factory=dict)
    taken: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, word: str, worth: float) -> None:
        key = stem(word)
        self.stems[key] = max(worth, self.stems.get(key, 0.0))


def understand(
    query: str, known: Callable[[str], bool], vocabulary: Callable[[], Vocabulary]
) -> Understood:
    """
    What a query asks for of tools of which `known` says whether any has a stem, and whose words are
    asked for only if there is one that none has.
    """
    found, mended = Understood(), 0
    written = words.of_query(query)
    for word in written:
        if known(stem(word)):
            found.add(word, 1.0)
        elif mended < _MOST_MENDED:
            mended += 1
            begun = vocabulary().beginning(word, _MOST_BEGUN)
            meant = begun or vocabulary().close_to(word, _MOST_MEANT)
            for each in meant:
                found.add(each, _BEGUN if begun else _MEANT)
            if meant:
                found.taken[word] = tuple(meant)
    for first, second in itertools.pairwise(written):
        if known(stem(first + second)):
            found.add(first + second, _JOINED)
    return found
