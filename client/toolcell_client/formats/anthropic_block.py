"""
One block of content of an Anthropic message, whether it came whole or in deltas.  Pure.

Source: the types of the `anthropic` package, `content_block.py` and `raw_content_block_delta.py`;
`accumulate_event` of its `lib/streaming` for what a delta does to a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.arguments import MalformedArguments, read_arguments
from toolcell_client.formats.pieces import (
    ARGUMENT_BYTES,
    TEXT_BYTES,
    VERBATIM_BYTES,
    Pieces,
    Room,
    argument_text,
    short,
    verbatim,
)
from toolcell_client.formats.too_much import TOO_LONG, TOO_MANY
from toolcell_client.formats.turns import Problem, RawCall

if TYPE_CHECKING:
    from collections.abc import Mapping

# By type of block: the field that grows, the delta that makes it grow, and the delta's field.
GROWING = {
    "text": ("text", "text_delta", "text"),
    "thinking": ("thinking", "thinking_delta", "thinking"),
    "tool_use": ("input", "input_json_delta", "partial_json"),
    "server_tool_use": ("input", "input_json_delta", "partial_json"),
    "mcp_tool_use": ("input", "input_json_delta", "partial_json"),
}
# By delta: the type of block, and the fields that it sets; others stay what the block started with.
SETTING = {
    "signature_delta": ("thinking", ("signature",)),
    "compaction_delta": ("compaction", ("content", "encrypted_content")),
}


class Rooms:
    """
    What all blocks of one response share.
    """

    def __init__(self) -> None:
        self.verbatim = Room(VERBATIM_BYTES)
        arguments = Room(ARGUMENT_BYTES)
        self.growing = {
            "text": Room(TEXT_BYTES),
            "thinking": Room(VERBATIM_BYTES),
            "input": arguments,
        }


class Block:
    """
    One block.  `stopped`: no more of it comes.  `released`: it is a call that was handed out.
    `lost`: it cannot go back, as it is no JSON or did not fit.
    """

    def __init__(self, start: Mapping[str, Any], rooms: Rooms) -> None:
        self.kind = short(start.get("type"))
        self.stopped = self.released = self.repeated = self.surplus = self.lost = False
        self._room = rooms.verbatim
        self._field, self._delta, self._from = GROWING.get(self.kind, ("", "", ""))
        self._written = Pieces(rooms.growing.get(self._field, rooms.verbatim))
        self._sent = self._fixed(start)
        self._given: Any = {}
        if self._field == "input":
            self._take_input(start.get("input"), rooms.growing["input"])

    def _fixed(self, start: Mapping[str, Any]) -> dict[str, Any]:
        # `caller` may be null in a response, and must not be in a request.
        fixed = {
            name: None if name == self._field else value
            for name, value in start.items()
            if not (name == "caller" and value is None)
        }
        copied: dict[str, Any] | None = verbatim(fixed, self._room)
        self.lost = not self.kind or (copied is None and self._field in {"", "thinking"})
        sent = copied or {"type": self.kind}
        if self._field == "input":
            sent |= {"id": short(start.get("id")), "name": short(start.get("name"))}
        return sent

    def _take_input(self, given: Any, room: Room) -> None:
        if given is None or given == {}:
            return
        copied = verbatim(given, room)
        self._written.cut = copied is None and room.full
        # What is no JSON is kept as text, so that reading it says what is wrong.
        self._given = copied if isinstance(copied, dict) else argument_text(given)

    def opening(self, start: Mapping[str, Any]) -> str:
        """
        Take the text that a block starts with, and return what the model says with it.
        """
        if self._field in {"", "input"}:
            return ""
        return self._said(self._written.add(start.get(self._field)))

    def grow(self, delta: Mapping[str, Any]) -> str:
        """
        Take a delta, and return what the model says with it.
        """
        kind = delta.get("type")
        if self.stopped or not isinstance(kind, str):
            return ""
        if kind == self._delta:
            return self._said(self._written.add(delta.get(self._from)))
        if kind == "citations_delta" and self.kind == "text":
            self._cite(delta.get("citation"))
        of, names = SETTING.get(kind, ("", ()))
        if of == self.kind:
            self._sent |= {name: verbatim(delta.get(name), self._room) for name in names}
        return ""

    def _said(self, piece: str) -> str:
        return piece if self.kind == "text" else ""

    def _cite(self, citation: Any) -> None:
        cited = verbatim(citation, self._room)
        if cited is None:
            return
        if not isinstance(self._sent.get("citations"), list):
            self._sent["citations"] = []
        self._sent["citations"].append(cited)

    @property
    def text(self) -> str:
        """
        What the model says in it.
        """
        return self._said(str(self._written))

    def call(self, problem: Problem | None = None) -> RawCall:
        """
        The call that a `tool_use` block is.
        """
        told = TOO_MANY if self.surplus else TOO_LONG if self._written.cut else ""
        problem = Problem.TRUNCATED if told else problem
        toolset = self._sent.get("toolset_name")
        return RawCall(
            call_id=self._sent["id"],
            name=self._sent["name"],
            arguments=str(self._written) or self._given,
            problem=Problem.REPEATED if self.repeated else problem,
            detail="" if self.repeated else told,
            echo={"toolset_name": toolset} if toolset else {},
        )

    def sent_back(self) -> dict[str, Any] | None:
        """
        The block as it goes back, None if it must not: the provider refuses blank text, thinking
        whose signature never came, and two calls with one id.
        """
        blank = self.kind == "text" and not str(self._written).strip()
        unsigned = self.kind == "thinking" and not self.stopped and not self._sent.get("signature")
        if blank or unsigned or self.repeated or self.lost:
            return None
        if not self._field:
            return self._sent
        grown = self._input() if self._field == "input" else str(self._written)
        return {**self._sent, self._field: grown}

    def _input(self) -> dict[str, Any]:
        """
        An object always, as the provider takes nothing else: empty where the model wrote none.
        """
        if self._written.cut:
            return {}
        try:
            read = read_arguments(str(self._written) or self._given)
            return verbatim(read, Room(VERBATIM_BYTES)) or {}
        except MalformedArguments:
            return {}
