"""
Results that are kept: how many, how long and for whom.  Pure: the clock is passed in.

Theory of operation.  An entry is dropped when its time is up, when what it was made from is another
by now (a reloaded tool, a changed file), and when there is no room.  Then it is not the one that
was used least recently of all, or whoever calls most would drive out what everybody else keeps;
it is the least recently used of the *owner* that holds most, whose call made the entry.  An owner's
share is of entries or of bytes, whichever is more, so that an owner with no more than an equal
share never loses anything to another.  Nobody's share is kept free for him: one alone has it all.

A hostile tool is no owner, and gains nothing: its results belong to those who call it.

What a result was made from is compared when it is asked for, not part of its key: so a changed
file or a reload leaves no entry behind that nobody will ever ask for again.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.caching.keys import Key

LARGEST_PART: Final = 8  # arbitrary; one entry takes at most this part of all bytes
OVERHEAD_BYTES: Final = 1024  # about what an entry takes besides its result


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One result.  `made_from` is equal for as long as it holds: the loaded tool, by identity, and
    the marks of its files.  `expires` is of the cache's clock, in seconds.
    """

    owner: str
    tool: Any
    made_from: Any
    result: bytes
    expires: float

    @property
    def size(self) -> int:
        return len(self.result) + OVERHEAD_BYTES


@dataclass(slots=True)
class _Holding:
    """
    What one owner has, least recently used first.
    """

    entries: OrderedDict[Key, Entry] = field(default_factory=OrderedDict)
    size: int = 0


class Cache:
    """
    At most so many entries and bytes.  `dropped` is told why each one went: `room`, `expired`,
    `stale`, `replaced`.
    """

    def __init__(self, entries: int, size: int, dropped: Callable[[str], None]) -> None:
        self._most_entries, self._most_bytes = entries, size
        self._dropped = dropped
        self._entries: dict[Key, Entry] = {}
        self._holdings: dict[str, _Holding] = {}
        self._expiries: list[tuple[float, int, Key, Entry]] = []
        self._numbers = itertools.count()
        self.size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Key, tool: Any, made_from: Any, now: float) -> tuple[str, bytes]:
        """
        `hit` and the result; or `miss`, or `stale` if there was one that no longer holds.
        """
        entry = self._entries.get(key)
        if entry is None:
            return "miss", b""
        holds = entry.tool is tool and entry.made_from == made_from
        if not holds or now >= entry.expires:
            self._drop(key, "stale" if not holds else "expired")
            return "stale", b""
        self._holdings[entry.owner].entries.move_to_end(key)
        return "hit", entry.result

    def keep(self, key: Key, entry: Entry, now: float) -> bool:
        """
        Keep a result in place of the one before; false if it is too large, or has no time left.
        """
        if entry.size > self._most_bytes // LARGEST_PART or entry.expires <= now:
            return False
        if key in self._entries:
            self._drop(key, "replaced")
        self._expire(now)
        holding = self._holdings.setdefault(entry.owner, _Holding())
        self._entries[key] = holding.entries[key] = entry
        holding.size += entry.size
        self.size += entry.size
        heapq.heappush(self._expiries, (entry.expires, next(self._numbers), key, entry))
        while len(self._entries) > self._most_entries or self.size > self._most_bytes:
            self._make_room(entry.owner)
        return key in self._entries

    def _make_room(self, asking: str) -> None:
        # Of owners with equal shares, whoever wants more gives way.
        owner = max(self._holdings, key=lambda owner: (self._share(owner), owner == asking))
        self._drop(next(iter(self._holdings[owner].entries)), "room")

    def _share(self, owner: str) -> float:
        holding = self._holdings[owner]
        return max(len(holding.entries) / self._most_entries, holding.size / self._most_bytes)

    def _expire(self, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            _, _, key, entry = heapq.heappop(self._expiries)
            if self._entries.get(key) is entry:
                self._drop(key, "expired")
        if len(self._expiries) > 2 * len(self._entries) + self._most_entries:
            held = [each for each in self._expiries if self._entries.get(each[2]) is each[3]]
            heapq.heapify(held)
            self._expiries = held

    def _drop(self, key: Key, why: str) -> None:
        entry = self._entries.pop(key)
        holding = self._holdings[entry.owner]
        del holding.entries[key]
        holding.size -= entry.size
        self.size -= entry.size
        if not holding.entries:
            del self._holdings[entry.owner]
        self._dropped(why)
