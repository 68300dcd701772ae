"""
The output items of one response of OpenAI Responses, by what events call them.  Pure.

Theory of operation.  An event knows its item by `item_id` and by `output_index`.  Some servers give
an item another id in each event, or all items the same index: an id that is known decides, then the
index of an item that is not done yet, else it is a new item.  What begins with an id is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.openai_responses_item import CALL_TEXTS, ItemParts, kind_of
from toolcell_client.formats.pieces import (
    ARGUMENT_BYTES,
    CALLS,
    TEXT_BYTES,
    VERBATIM_BYTES,
    Pieces,
    Room,
    short,
    verbatim,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEMS = 1024  # arbitrary; of one response


class Items:
    """
    All items of one response.
    """

    def __init__(self) -> None:
        self.full = False  # there are items that are not here
        self.texts = Room(TEXT_BYTES)
        # Calls are written twice: in pieces, and whole when they are done.
        self._pieces, self._arguments = Room(ARGUMENT_BYTES), Room(ARGUMENT_BYTES)
        self._begun, self._done = Room(VERBATIM_BYTES), Room(VERBATIM_BYTES)
        self._all: list[ItemParts] = []
        self._by_id: dict[str, ItemParts] = {}
        self._by_index: dict[int, ItemParts] = {}

    def __iter__(self) -> Iterator[ItemParts]:
        return iter(sorted(self._all, key=lambda each: each.order))

    def begin(self, item: Any, index: object) -> None:
        """
        An item comes; it may not be whole.
        """
        if not isinstance(item, dict):
            return
        item_id = short(item.get("id"))
        if self._by_id.get(item_id) if item_id else self.known("", index):
            return
        kept = verbatim(item, self._begun)
        if kept is not None:
            self._new(kept, index)

    def grow(self, item_id: object, index: object, piece: object) -> str:
        """
        A piece of a call's arguments, or of a message; return what of it can be read.
        """
        found = self.known(short(item_id), index)
        return "" if found is None or found.done else found.written.add(piece)

    def end(self, item: Any, index: object) -> tuple[ItemParts, str] | None:
        """
        An item is whole: the item, and text of it that had not come.  None where that is no news.
        """
        if not isinstance(item, dict):
            return None
        found = self.known(short(item.get("id")), index)
        if found is not None and found.done:
            if found.item.get("call_id") == item.get("call_id"):
                return None
            found = None  # two calls of one id
        kept = verbatim(item, self._done)
        found = self._new(kept, index) if kept and found is None else found
        return (found, found.settle(kept, self._arguments)) if kept and found else None

    def known(self, item_id: str, index: object) -> ItemParts | None:
        """
        The item that an event means; None if it did not begin.
        """
        found = self._by_id.get(item_id) if item_id else None
        if found is None and isinstance(index, int):
            found = self._by_index.get(index)
            if found is not None and found.done:
                return None
        return found

    def missing(self, index: int) -> bool:
        """
        No item of this index is whole.
        """
        found = self._by_index.get(index)
        return found is None or not found.done

    def _new(self, item: dict[str, Any], index: object) -> ItemParts | None:
        is_call = kind_of(item) in CALL_TEXTS
        calls = sum(each.is_call for each in self._all) if is_call else 0
        self.full = self.full or len(self._all) >= ITEMS
        if self.full or calls > CALLS:
            return None
        order = index if isinstance(index, int) else len(self._all)
        pieces = Pieces(self._pieces if is_call else self.texts)
        made = ItemParts(order, item, pieces, surplus=calls == CALLS)
        self._all.append(made)
        self._by_index[order] = made
        if item_id := short(item.get("id")):
            self._by_id.setdefault(item_id, made)
        return made
