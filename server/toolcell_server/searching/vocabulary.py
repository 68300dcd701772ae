"""
The words of some tools, and which of them another word was meant to be.  Pure.

Theory of operation.  Of each kind of caller there is one, of the tools that he may call: what
others have is never offered to him as what he may have meant, nor does it cost him time.
"""

from __future__ import annotations

import bisect
import itertools
from typing import TYPE_CHECKING, Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST_BEGINNING: Final = 3  # letters
_SHORTEST: Final = 4  # of shorter words everything comes close
_LONG: Final = 8  # letters; so long a word may have two slips


class Vocabulary:
    """
    Each word once.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = sorted(set(words))

    def beginning(self, start: str, most: int) -> list[str]:
        """
        Words that begin so, the shortest first.
        """
        if len(start) < _SHORTEST_BEGINNING:
            return []
        after = itertools.islice(self._words, bisect.bisect_left(self._words, start), None)
        found = itertools.takewhile(lambda word: word.startswith(start), after)
        return sorted(found, key=lambda word: (len(word), word))[:most]

    def close_to(self, word: str, most: int) -> list[str]:
        """
        Words that are one slip of the finger away (a letter too many, too few, another, or two
        that changed places), or two of a long one; the closest first.
        """
        if len(word) < _SHORTEST:
            return []
        slips = 2 if len(word) >= _LONG else 1
        found = process.extract(
            word, self._words, scorer=OSA.distance, score_cutoff=slips, limit=most
        )
        return [str(close) for close, _, _ in found]
