"""
Finds the tools that are most useful for what a caller says, among those that he may call.

Theory of operation.  The index is made when somebody searches for the first time, a few tools at a
time, so that calls do not wait for it; after that the registry's log of changes says which names to
look at again, and nothing else is.  A server that nobody searches has none.

What a caller may call is worked out once for all callers of his kind, and anew when a tool has
changed.  What is found is shown to him only if a call by that name would get it: the same lines
decide that (`PermittedTools`), so a search shows nothing that a call would not.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from toolcell_server.refusals import CallRefused
from toolcell_server.searching.index import Index
from toolcell_server.searching.understanding import understand

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from toolcell_server.principal import Principal
    from toolcell_server.searching.vocabulary import Vocabulary
    from toolcell_server.shelves.changes import Changes
    from toolcell_server.tool import Tool

_AT_ONCE: Final = 20  # names that are indexed before others have their turn; some milliseconds
_MOST_KINDS: Final = 16  # of callers whose tools are kept


class Searched(Protocol):
    """
    All tools, whoever's.
    """

    @property
    def changes(self) -> Changes:
        """
        What has changed of late.
        """

    def names(self) -> Iterable[str]:
        """
        Every name that somebody has a tool by.
        """

    def everywhere(self, name: str, /) -> Iterator[Tool]:
        """
        The tools of one name.
        """


class Permitted(Protocol):
    """
    What a caller may call.
    """

    def find_callable(self, name: str, version: str, principal: Principal, /) -> Tool:
        """
        Raises:
            CallRefused: there is none for this caller.
        """

    def kind(self, principal: Principal, /) -> tuple[Hashable, Callable[[Tool], bool]]:
        """
        What callers who may call the same have in common, and whether they may call a tool.
        """


@dataclass(frozen=True, slots=True)
class Found:
    """
    Tools with their scores, the best first, which has 1.  `taken` are words of the query that no
    tool has, with those that they were taken for.
    """

    tools: Sequence[tuple[Tool, float]]
    taken: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class _Kind:
    """
    The tools in the index that callers of one kind may call, and their words once they were needed.
    """

    generation: int = -1  # of the index
    among: frozenset[int] = frozenset()
    _words: Vocabulary | None = None

    def have(self, among: frozenset[int]) -> None:
        if among != self.among:
            self.among, self._words = among, None

    def vocabulary(self, index: Index) -> Vocabulary:
        if self._words is None:
            self._words = index.words(self.among)
        return self._words


class Search:
    """
    Searches the registry.  Lives on one event loop.
    """

    def __init__(self, registry: Searched, permitted: Permitted) -> None:
        self.index = Index()
        self._registry = registry
        self._permitted = permitted
        self._seen = -1  # the last change that is in the index; none is yet
        self._turn = asyncio.Lock()
        self._kinds: OrderedDict[Hashable, _Kind] = OrderedDict()

    async def find(
        self, query: str, most: int, principal: Principal, wanted: Callable[[Tool], bool]
    ) -> Found:
        """
        At most so many tools that are `wanted`.
        """
        async with self._turn:
            await self._catch_up()
        kind = self._kind(principal)
        among = kind.among
        understood = understand(
            query,
            lambda stem: bool(self.index.having(stem, among)),
            lambda: kind.vocabulary(self.index),
        )
        found: list[tuple[Tool, float]] = []
        for number, score in self.index.rank(understood.stems, among):
            tool = self.index.entries[number].tool
            if wanted(tool) and self._is_called(tool, principal):
                found.append((tool, score))
            if len(found) == most:
                break
        best = found[0][1] if found else 1.0
        return Found([(tool, score / best) for tool, score in found], understood.taken)

    async def _catch_up(self) -> None:
        """
        Have in the index what has changed.
        """
        while self._seen != self._registry.changes.last:
            seen, names = self._registry.changes.last, self._changed()
            for turn, name in enumerate(names):
                if turn % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(0)
                self.index.put(name, self._registry.everywhere(name))
            self._seen = seen

    def _changed(self) -> set[str]:
        """
        The names whose tools are others than in the index.
        """
        changes = self._registry.changes.since(self._seen) if self._seen >= 0 else None
        if changes is None:
            return {*self._registry.names(), *self.index.names()}
        return {change.tool.name for change in changes}

    def _kind(self, principal: Principal) -> _Kind:
        """
        What a caller has in common with those who may call the same.
        """
        key, may = self._permitted.kind(principal)
        kind = self._kinds.pop(key, None) or _Kind()
        if kind.generation != self.index.generation:
            entries = self.index.entries.items()
            kind.have(frozenset(number for number, entry in entries if may(entry.tool)))
            kind.generation = self.index.generation
        self._kinds[key] = kind
        if len(self._kinds) > _MOST_KINDS:
            self._kinds.popitem(last=False)
        return kind

    def _is_called(self, tool: Tool, principal: Principal) -> bool:
        """
        Whether a call by its name, without a version, gets this one.
        """
        try:
            return self._permitted.find_callable(tool.name, "", principal) == tool
        except CallRefused:
            return False
