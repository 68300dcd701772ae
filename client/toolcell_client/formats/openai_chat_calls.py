"""
The calls of one chat completion, put together from deltas.  Pure.

Theory of operation.  A delta belongs to the call of its `index`; what servers do besides:
* repeat the id, the name or both in every delta: neither grows by what it is already;
* give every call the index 0, each with an id and a name of its own: the pair begins a new call;
* send no index: the id says which call, else a name begins a new one, else it is the last one's.
A whole message is read by the same rules, with the position of a call as its index.  Of the calls
beyond `CALLS` the first is answered for all, and the rest is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.openai_chat_call import CallParts
from toolcell_client.formats.pieces import CALLS, Pieces, short
from toolcell_client.formats.turns import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.pieces import Room
    from toolcell_client.formats.turns import RawCall


class Calls:
    """
    All calls of one response.
    """

    def __init__(self, arguments: Room, more: Room) -> None:
        self._arguments, self._more = arguments, more
        self._all: list[CallParts] = []
        self._by_index: dict[int, CallParts] = {}
        self._last: CallParts | None = None

    def add(self, delta: Mapping[str, Any], index: object) -> None:
        """
        Take a part of a call.
        """
        self._last = self._found(delta, index)
        if self._last is not None:
            self._last.add(delta, self._more)

    def add_legacy(self, delta: Mapping[str, Any]) -> None:
        """
        Take a part of the one call of a `function_call`.
        """
        legacy = next((each for each in self._all if each.kind == "legacy"), None)
        legacy = legacy or self._begun(len(self._all))
        if legacy is not None:
            legacy.kind = "legacy"
            legacy.write(delta)

    def all(self) -> list[CallParts]:
        """
        In the order of their indexes.
        """
        return sorted(self._all, key=lambda each: each.order)

    def raw(self, problem: Problem | None) -> list[RawCall]:
        """
        All of them, with that problem unless they were brought.
        """
        return [each.raw(problem) for each in self.all()]

    def whole(self) -> list[RawCall]:
        """
        Bring those that were not brought before.
        """
        fresh = []
        for each in self.all():
            if each.brought is None:
                each.brought = each.raw(None)
                fresh.append(each.brought)
        return [each for each in fresh if each.problem is not Problem.TRUNCATED]

    def _found(self, delta: Mapping[str, Any], index: object) -> CallParts | None:
        call_id, named = short(delta.get("id")), _names(delta)
        if isinstance(index, int):
            found = self._by_index.get(index)
            if found is None or (named and call_id and found.call_id not in {"", call_id}):
                found = self._begun(index)
            if found is not None:
                self._by_index[index] = found
            return found
        if call_id:
            known = (each for each in self._all if each.call_id == call_id)
            return next(known, None) or self._begun(len(self._all))
        return self._begun(len(self._all)) if named or not self._all else self._last

    def _begun(self, order: int) -> CallParts | None:
        if len(self._all) > CALLS:
            return None
        surplus = len(self._all) == CALLS
        self._all.append(CallParts(order, Pieces(self._arguments), surplus=surplus))
        return self._all[-1]


def _names(delta: Mapping[str, Any]) -> bool:
    called = delta.get("function") or delta.get("custom")
    return isinstance(called, dict) and bool(short(called.get("name")))
