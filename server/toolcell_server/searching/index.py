"""
The words of all tools, and which tool has which how often: an index that is searched by BM25.
Pure.

Theory of operation.  What a word is worth depends on how many tools have it (BM25).  If all tools
counted, the order of a caller's results would tell which words the tools of others have; and who
registers many could make a word worthless for everybody.  So only what the caller may call counts,
for each search anew, which SQLite's FTS5 cannot do: hence an index of our own.  It finds more, too,
because names are split and slips of the finger are mended (tests/server/searching has both).

A word counts by where it stands: in a name more than in the description of a parameter.  A tool
with many words is worth a little less for each.

The cost of a search is bounded: rare words are looked at first, and once `_MOST_HITS` tools have
been found by them, common ones only tell those apart.

A tool that changes is taken out and put in again, and no other is touched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell_server.searching import fields
from toolcell_server.searching.vocabulary import Vocabulary
from toolcell_server.searching.words import stem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from toolcell_server.tool import Tool

_SATURATION: Final = 1.2  # k1
_LENGTH: Final = 0.4  # b: how much long descriptions count against a tool
_USUAL: Final = 40.0  # weight of the words of a usual tool; a constant, so that it tells nothing
_MOST_HITS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A tool in the index: how often it has each stem, weighted, and its words as they are written.
    """

    tool: Tool
    stems: Mapping[str, float]
    words: frozenset[str]
    total: float


class Index:
    """
    Tools by number.  `generation` grows with each change.
    """

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.generation = 0
        self.indexed = 0  # how many tools were taken in, ever
        self._of_name: dict[str, list[int]] = {}
        self._postings: dict[str, dict[int, float]] = {}

    def put(self, name: str, tools: Iterable[Tool]) -> None:
        """
        Have these tools by that name, in place of those before; those that are the same stay.
        """
        kept: list[int] = []
        new = {id(tool): tool for tool in tools}
        for number in self._of_name.pop(name, ()):
            if new.pop(id(self.entries[number].tool), None) is None:
                self._remove(number)
            else:
                kept.append(number)
        kept += [self._add(tool) for tool in new.values()]
        if kept:
            self._of_name[name] = kept

    def names(self) -> Collection[str]:
        """
        The names that it has tools of.
        """
        return self._of_name.keys()

    def words(self, among: frozenset[int]) -> Vocabulary:
        """
        The words of these tools.
        """
        entries = (self.entries[number] for number in among)
        return Vocabulary(word for entry in entries for word in entry.words)

    def having(self, stem: str, among: frozenset[int]) -> set[int]:
        """
        The tools, of those, that have a stem.
        """
        return self._postings.get(stem, {}).keys() & among

    def rank(
        self, stems: Mapping[str, float], among: frozenset[int]
    ) -> Sequence[tuple[int, float]]:
        """
        The tools, of those, that have any of these stems, each with its score, the best first.
        `stems` says how much each is worth to who searches.
        """
        hits = [(self.having(each, among), each) for each in stems]
        scores: dict[int, float] = {}
        for having, each in sorted(hits, key=lambda hit: len(hit[0])):
            worth = stems[each] * _rarity(len(having), len(among))
            full = len(scores) + len(having) > _MOST_HITS
            for number in having & scores.keys() if full else having:
                score = worth * self._often(each, number)
                scores[number] = scores.get(number, 0.0) + score
        return sorted(scores.items(), key=self._place)

    def _often(self, stem: str, number: int) -> float:
        """
        How much a tool is about a stem: more than twice as often is not twice as much.
        """
        often, entry = self._postings[stem][number], self.entries[number]
        length = 1 - _LENGTH + _LENGTH * entry.total / _USUAL
        return often * (_SATURATION + 1) / (often + _SATURATION * length)

    def _place(self, scored: tuple[int, float]) -> tuple[float, str, int]:
        number, score = scored
        return -score, self.entries[number].tool.name, number

    def _add(self, tool: Tool) -> int:
        self.indexed += 1
        self.generation += 1
        number = self.indexed
        weights = fields.weighted(tool)
        stems: dict[str, float] = {}
        for word, weight in weights.items():
            stems[stem(word)] = stems.get(stem(word), 0.0) + weight
        entry = Entry(tool, stems, frozenset(weights), sum(stems.values()))
        self.entries[number] = entry
        for each, weight in entry.stems.items():
            self._postings.setdefault(each, {})[number] = weight
        return number

    def _remove(self, number: int) -> None:
        self.generation += 1
        entry = self.entries.pop(number)
        for each in entry.stems:
            having = self._postings[each]
            del having[number]
            if not having:
                del self._postings[each]


def _rarity(having: int, all_: int) -> float:
    """
    What a word is worth that so many of all tools have.
    """
    return math.log(1 + (all_ - having + 0.5) / (having + 0.5))
