"""
One call of a chat completion, put together from deltas.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.openai_problems import problem_of
from toolcell_client.formats.pieces import NAME_CHARACTERS, Pieces, argument_text, short, verbatim
from toolcell_client.formats.turns import RawCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.pieces import Room
    from toolcell_client.formats.turns import Problem

OWN = {"index", "id", "type", "function", "custom"}


@dataclass(slots=True)
class CallParts:
    """
    What came of a call.  `order` sorts it among the others; `kind` is "function", "custom", or
    "legacy" for a `function_call`.  `surplus`: there were too many before it.  `brought` is the
    call as it was said to be whole: later deltas change nothing, as it may be running.
    """

    order: int
    written: Pieces
    kind: str = "function"
    call_id: str = ""
    name: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    surplus: bool = False
    brought: RawCall | None = None

    def add(self, delta: Mapping[str, Any], room: Room) -> None:
        """
        Take a member of `tool_calls`; fields that are not known go back with the call.
        """
        if self.brought is not None:
            return
        called = delta.get("function")
        if delta.get("type") == "custom" or isinstance(delta.get("custom"), dict):
            self.kind, called = "custom", delta.get("custom")
        self.call_id = self.call_id or short(delta.get("id"))
        if isinstance(called, dict):
            self.write(called)
        for key in delta.keys() - OWN:
            self.more |= (delta[key] is not None and verbatim({key: delta[key]}, room)) or {}

    def write(self, called: Mapping[str, Any]) -> None:
        """
        Take a name, and a piece of the arguments.
        """
        if self.brought is not None:
            return
        named = short(called.get("name"))
        if named != self.name:
            self.name = (self.name + named)[:NAME_CHARACTERS]
        key = "input" if self.kind == "custom" else "arguments"
        self.written.add(argument_text(called.get(key)))

    def raw(self, problem: Problem | None) -> RawCall:
        """
        The call as it was brought, or with that problem.
        """
        if self.brought is not None:
            return self.brought
        custom = self.kind == "custom"
        problem, detail = problem_of(problem, self.written, surplus=self.surplus, custom=custom)
        return RawCall(
            call_id=self.call_id,
            name=self.name,
            arguments=str(self.written),
            problem=problem,
            detail=detail,
            echo={"role": "function"} if self.kind == "legacy" else {},
        )

    def message(self) -> dict[str, Any]:
        """
        As it goes back: a member of `tool_calls`, or the value of `function_call`.
        """
        written = str(self.written)
        if self.kind == "legacy":
            return {"name": self.name, "arguments": written}
        key = "input" if self.kind == "custom" else "arguments"
        called = {"name": self.name, key: written}
        return {"id": self.call_id, "type": self.kind, self.kind: called, **self.more}
