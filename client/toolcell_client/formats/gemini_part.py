"""
One part of a Gemini response: text that may grow, a call, or anything else.  Pure.

Source: `Part`, `FunctionCall` and `PartialArg` of `google/genai/types.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.gemini_partial import BadPiece, PartialArguments
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

TEXT_FIELDS = frozenset({"text", "thought"})
CALL_FIELDS = frozenset({"id", "name", "args", "partialArgs", "willContinue"})


class Rooms:
    """
    What all parts of one response share.
    """

    def __init__(self) -> None:
        self.verbatim = Room(VERBATIM_BYTES)
        self.arguments = Room(ARGUMENT_BYTES)
        self.text = Room(TEXT_BYTES)
        self.thoughts = Room(VERBATIM_BYTES)


class OtherPart:
    """
    A part that goes back as it came.
    """

    def __init__(self, part: Mapping[str, Any], rooms: Rooms) -> None:
        self._sent: dict[str, Any] | None = verbatim(dict(part), rooms.verbatim)

    def sent_back(self) -> dict[str, Any] | None:
        return self._sent


class TextPart:
    """
    A part with text, which is the model's thought or what it says.  `grows`: text that follows is
    the same text.  A part with a signature stands for itself, as the signature is of that part.
    """

    def __init__(self, part: Mapping[str, Any], rooms: Rooms) -> None:
        self._rest = OtherPart({**part, "text": ""}, rooms)
        self.thought = part.get("thought") is True
        self.grows = grows(part)
        self._written = Pieces(rooms.thoughts if self.thought else rooms.text)

    def takes(self, part: Mapping[str, Any]) -> bool:
        """
        Whether the text of a part is more of this text.
        """
        thought = part.get("thought") is True
        return self.grows and grows(part) and self.thought is thought

    def add(self, part: Mapping[str, Any]) -> str:
        """
        Take the text of a part, and return what the model says with it.
        """
        piece = self._written.add(part.get("text"))
        return "" if self.thought else piece

    @property
    def said(self) -> str:
        return "" if self.thought else str(self._written)

    def sent_back(self) -> dict[str, Any] | None:
        rest, text = self._rest.sent_back(), str(self._written)
        return None if rest is None or (self.grows and not text) else {**rest, "text": text}


def grows(part: Mapping[str, Any]) -> bool:
    """
    Whether a part is text and nothing else.
    """
    return part.keys() <= TEXT_FIELDS


class CallPart:
    """
    A part with a call.  `open`: pieces of its arguments are still to come.  `released`: it was
    handed out.
    """

    def __init__(
        self, part: Mapping[str, Any], rooms: Rooms, made_up: str, *, surplus: bool = False
    ) -> None:
        call = part["functionCall"]
        self.name, self._given_id = short(call.get("name")), short(call.get("id"))
        self.call_id = self._given_id or made_up
        self.released = self.open = False
        self._rooms = rooms
        self._rest = OtherPart({**part, "functionCall": None}, rooms)
        others = {name: value for name, value in call.items() if name not in CALL_FIELDS}
        self._call = OtherPart(others, rooms)
        self._arguments: Any = {}
        self._problem: Problem | None = Problem.TRUNCATED if surplus else None
        self._detail = TOO_MANY if surplus else ""
        self._take(call.get("args"), rooms.arguments)
        self._pieces: PartialArguments | None = None
        self._grow_by(call)

    def _take(self, given: Any, room: Room) -> None:
        if given is None or given == {}:
            return
        copied = verbatim(given, room)
        if copied is None and room.full:
            self._problem, self._detail = Problem.TRUNCATED, self._detail or TOO_LONG
            return
        # What is no JSON is kept as text, so that reading it says what is wrong.
        self._arguments = copied if isinstance(copied, dict) else argument_text(given)

    def go_on(self, part: Mapping[str, Any]) -> None:
        """
        Take the next pieces of an open call.
        """
        if "thoughtSignature" in part:
            held = self._rest.sent_back() or {}
            self._rest = OtherPart({**held, **part, "functionCall": None}, self._rooms)
        self._grow_by(part["functionCall"])

    def _grow_by(self, call: Mapping[str, Any]) -> None:
        self.open = call.get("willContinue") is True
        pieces = call.get("partialArgs")
        try:
            for piece in pieces if isinstance(pieces, list) else ():
                self._grow(piece)
        except BadPiece as exc:
            self._problem = self._problem or Problem.MALFORMED
            self._detail = self._detail or f"The arguments cannot be read: {exc}; nothing ran."

    def _grow(self, piece: Any) -> None:
        if self._pieces is None:
            started = self._arguments if isinstance(self._arguments, dict) else {}
            self._pieces = PartialArguments(started, self._rooms.arguments)
        if not isinstance(piece, dict):
            raise BadPiece("a piece is an object")
        self._pieces.add(piece)

    def call(self, problem: Problem | None = None) -> RawCall:
        """
        The call; an id that was made up does not go back.
        """
        arguments, broken = self._read()
        return RawCall(
            call_id=self.call_id,
            name=self.name,
            arguments=arguments,
            problem=self._problem or problem or broken,
            detail=self._detail,
            echo={"id": self._given_id} if self._given_id else {},
        )

    def _read(self) -> tuple[Any, Problem | None]:
        try:
            return (self._pieces.whole() if self._pieces else self._arguments), None
        except BadPiece:
            return {}, Problem.TRUNCATED

    def sent_back(self) -> dict[str, Any] | None:
        arguments = self._read()[0]
        call = {
            **({"id": self._given_id} if self._given_id else {}),
            "name": self.name,
            **({"args": arguments} if isinstance(arguments, dict) else {}),
            **(self._call.sent_back() or {}),
        }
        return {**(self._rest.sent_back() or {}), "functionCall": call}
