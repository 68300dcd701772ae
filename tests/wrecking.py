"""
Streams as no provider should send them, and what an accumulator owes them all the same.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from toolcell_client.formats.turns import RawCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from toolcell_client.formats.format import Format
    from toolcell_client.formats.turns import WireTurn

Path = tuple[str | int, ...]

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 2**70, 10**5000, float("nan"), float("inf"), "", "\ud83d", "x" * 300]),
    st.builds(list),
    st.builds(dict),
    st.lists(st.none() | st.integers() | st.text() | st.builds(dict), max_size=3),
    st.dictionaries(st.sampled_from(["index", "id", "type", "name"]), st.none() | st.text()),
)


@st.composite
def wrecked(draw: st.DrawFn, events: Sequence[Any]) -> list[Any]:
    """
    These events with parts replaced or missing, some twice, some late; each remains a mapping.
    """
    broken = deepcopy(list(events))
    for _ in range(draw(st.integers(0, 5))):
        paths = [path for path in _paths(broken) if len(path) > 1]
        if paths:
            _break(broken, draw(st.sampled_from(paths)), draw(JUNK), missing=draw(st.booleans()))
    order = draw(st.lists(st.integers(0, max(0, len(broken) - 1)), max_size=4))
    return broken + [broken[at] for at in order if broken]


def survived(reader: Format, events: Iterable[Any]) -> WireTurn:
    """
    The turn of a stream of mappings, which may hold anything; nothing is raised, what goes back can
    be sent, and calls are of the types that they promise.
    """
    accumulator = reader.accumulator()
    brought = [each for event in events for each in accumulator.add(event)]
    turn = accumulator.turn()
    json.dumps([*turn.messages], ensure_ascii=False, allow_nan=False).encode()
    for call in (*turn.calls, *(each for each in brought if isinstance(each, RawCall))):
        assert isinstance(call.call_id, str)
        assert isinstance(call.name, str)
        assert isinstance(call.arguments, str | dict)
    "".join(each for each in brought if isinstance(each, str)).encode()
    turn.text.encode()
    return turn


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _paths(each, (*path, key))
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from _paths(each, (*path, at))


def _break(events: Any, path: Path, junk: Any, *, missing: bool) -> None:
    holder = events
    for step in path[:-1]:
        holder = holder[step]
    if missing:
        del holder[path[-1]]
    else:
        holder[path[-1]] = junk
