"""
Cuts a response into a stream in any way, and reads it again: any chunking gives the same turn.

A test has a function that writes the provider's events of a response, and cuts every text that is
streamed with the `Chunking` that it is handed.  `read` puts the events together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from toolcell_client.formats.turns import RawCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from toolcell_client.formats.format import Format
    from toolcell_client.formats.turns import WireTurn


@dataclass
class Chunking:
    """
    Cuts texts into pieces of these widths, over and over; 0 is an empty piece.  `halves`: also
    between the two UTF-16 halves of a character, as a JSON event may.
    """

    widths: tuple[int, ...] = (1,)
    halves: bool = False
    _next: Iterator[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._next = cycle(self.widths)

    def cut(self, text: str) -> list[str]:
        """
        Pieces that join to the text; at least one.
        """
        rest, pieces = halved(text) if self.halves else text, []
        while rest:
            width = next(self._next)
            pieces.append(rest[:width])
            rest = rest[width:]
        return pieces or [""]

    def interleave(self, streams: Sequence[Sequence[Any]]) -> list[Any]:
        """
        All events of several streams, each in its order.
        """
        waiting, mixed = [list(each) for each in streams if each], []
        while waiting:
            stream = waiting[next(self._next) % len(waiting)]
            mixed.append(stream.pop(0))
            waiting = [each for each in waiting if each]
        return mixed


@dataclass(frozen=True)
class Read:
    """
    What an accumulator made of a stream: the turn, and what it brought on the way.
    """

    turn: WireTurn
    texts: tuple[str, ...]
    calls: tuple[RawCall, ...]

    @property
    def text(self) -> str:
        return "".join(self.texts)


def read(reader: Format, events: Iterable[Any]) -> Read:
    """
    Put a stream together.
    """
    accumulator = reader.accumulator()
    brought = [each for event in events for each in accumulator.add(event)]
    return Read(
        turn=accumulator.turn(),
        texts=tuple(each for each in brought if isinstance(each, str)),
        calls=tuple(each for each in brought if isinstance(each, RawCall)),
    )


def halved(text: str) -> str:
    """
    The text with every character beyond U+FFFF as its two halves.
    """
    data = text.encode("utf-16-le")
    units = range(0, len(data), 2)
    return "".join(chr(int.from_bytes(data[at : at + 2], "little")) for at in units)


def chunkings() -> st.SearchStrategy[Chunking]:
    """
    Any chunking; one width at least is above 0, so that it ends.
    """
    widths = st.lists(st.integers(0, 7), min_size=1, max_size=5).filter(any)
    return st.builds(Chunking, widths.map(tuple), st.booleans())


SOUND = st.characters(codec="utf-8")


def texts() -> st.SearchStrategy[str]:
    """
    What a model may say, with characters beyond U+FFFF more often than by chance.
    """
    return st.text(SOUND | st.sampled_from("😀𝄞\\\"'\n"))


def argument_objects() -> st.SearchStrategy[dict[str, Any]]:
    """
    Arguments that a model may write.
    """
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts()
    scalars = scalars.filter(lambda value: value not in (float("inf"), float("-inf")))
    values = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(texts(), values, max_size=4)


def argument_texts() -> st.SearchStrategy[str]:
    """
    The same as JSON text, in which characters may be escapes of two halves.
    """
    ascii_only = st.booleans()
    return st.builds(
        lambda value, escaped: json.dumps(value, ensure_ascii=escaped),
        argument_objects(),
        ascii_only,
    )
