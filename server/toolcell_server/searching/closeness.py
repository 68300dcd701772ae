"""
Words that are written almost as another: slips of the finger.  Pure.

Theory of operation.  Each pair of neighbouring letters knows its words.  A word is compared only
with those that share most pairs with it, by the algorithm of difflib, which is slow: so a query
costs the same among a hundred words and a hundred thousand.
"""

from __future__ import annotations

import difflib
import itertools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST: Final = 4  # letters; of shorter words everything comes close
_CLOSE: Final = 0.75  # of 1; one letter of four, two of eight
_COMPARED: Final = 40  # with so many words, those with most pairs in common
_MOST_OF_PAIR: Final = 5_000  # words; a pair that more have tells nothing


class Closeness:
    """
    A vocabulary in which close matches are found.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._of_pair: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, word: str) -> None:
        """
        Take a word in, once more if it is there.
        """
        self._counts[word] += 1
        if self._counts[word] == 1 and len(word) >= SHORTEST:
            for pair in _pairs(word):
                self._of_pair[pair].add(word)

    def remove(self, word: str) -> None:
        """
        Let a word go; it stays as long as it was taken in more often.
        """
        self._counts[word] -= 1
        if self._counts[word] > 0:
            return
        del self._counts[word]
        for pair in _pairs(word):
            self._of_pair[pair].discard(word)

    def __contains__(self, word: str) -> bool:
        return word in self._counts

    def beginning(self, start: str, may: Callable[[str], bool], most: int) -> list[str]:
        """
        Words that begin so, the shortest first, out of those that `may` is true for.
        """
        pairs = [self._of_pair.get(pair, set()) for pair in _pairs(start)[:-1]]
        if not pairs or len(start) < SHORTEST - 1:
            return []
        found = [word for word in min(pairs, key=len) if word.startswith(start) and may(word)]
        return sorted(found, key=lambda word: (len(word), word))[:most]

    def close_to(self, word: str, may: Callable[[str], bool], most: int) -> list[str]:
        """
        Words that this one was probably meant to be, the closest first.
        """
        if len(word) < SHORTEST:
            return []
        shared: Counter[str] = Counter()
        for pair in _pairs(word):
            if len(known := self._of_pair.get(pair, ())) <= _MOST_OF_PAIR:
                shared.update(known)
        matcher = difflib.SequenceMatcher(b=word, autojunk=False)
        found = []
        for candidate, _ in shared.most_common(_COMPARED):
            matcher.set_seq1(candidate)
            ratio = matcher.ratio()
            if ratio >= _CLOSE and may(candidate):
                found.append((-ratio, abs(len(candidate) - len(word)), candidate))
        return [candidate for _, _, candidate in sorted(found)[:most]]


def _pairs(word: str) -> list[str]:
    """
    Neighbouring letters; the first and the last have the edge as a neighbour.
    """
    return ["".join(pair) for pair in itertools.pairwise(f"^{word}$")]
