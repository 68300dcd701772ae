"""
One part of a Gemini response: text that may grow, a call, or anything else.  Pure.

Source: `Part`, `FunctionCall` and `PartialArg` of `google/genai/types.py`.
"""

from __future__ import annotations

import hashlib
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
from toolcell_client.formats.turns import Problem, RawCall

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_FIELDS = frozenset({"text", "thought"})


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
        self.grows = part.keys() <= TEXT_FIELDS
        self._written = Pieces(rooms.thoughts if self.thought else rooms.text)

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


class CallPart:
    """
    A part with a call.  `open`: pieces of its arguments are still to come.  `released`: it was
    handed out.
    """

    def __init__(self, part: Mapping[str, Any], rooms: Rooms) -> None:
        call = part["functionCall"]
        self.name, self.given_id = short(call.get("name")), short(call.get("id"))
        self.released = self.open = False
        self._rest = OtherPart({**part, "functionCall": None}, rooms)
        self._arguments: Any = {}
        self._problem: Problem | None = None
        self._take(call.get("args"), rooms.arguments)
        self._pieces: PartialArguments | None = None
        self._rooms = rooms
        self.go_on(part)

    def _take(self, given: Any, room: Room) -> None:
        if given is None or given == {}:
            return
        copied = verbatim(given, room)
        if copied is None and room.full:
            self._problem = Problem.TRUNCATED
            return
        # What is no JSON is kept as text, so that reading it says what is wrong.
        self._arguments = copied if isinstance(copied, dict) else argument_text(given)

    def go_on(self, part: Mapping[str, Any]) -> None:
        """
        Take pieces of the arguments, and what else this part of the call has.
        """
        call = part["functionCall"]
        self.open = call.get("willContinue") is True
        if "thoughtSignature" in part:
            self._rest = OtherPart({**(self._rest.sent_back() or {}), **part}, self._rooms)
        try:
            for piece in call.get("partialArgs") or ():
                self._grow(piece)
        except (BadPiece, TypeError):
            self._problem = Problem.MALFORMED

    def _grow(self, piece: Any) -> None:
        if self._pieces is None:
            started = self._arguments if isinstance(self._arguments, dict) else {}
            self._pieces = PartialArguments(started, self._rooms.arguments)
        if not isinstance(piece, dict):
            raise BadPiece("a piece is an object")
        self._pieces.add(piece)

    def call(self, call_id: str, problem: Problem | None = None) -> RawCall:
        """
        The call; where the provider gave it no id, it has this one, which does not go back.
        """
        arguments, broken = self._read()
        return RawCall(
            call_id=self.given_id or call_id,
            name=self.name,
            arguments=arguments,
            problem=self._problem or problem or broken,
            echo={"id": self.given_id} if self.given_id else {},
        )

    def _read(self) -> tuple[Any, Problem | None]:
        try:
            return (self._pieces.whole() if self._pieces else self._arguments), None
        except BadPiece:
            return {}, Problem.TRUNCATED

    def digest(self) -> str:
        """
        Something to know the call by, which is the same however it came.
        """
        said = f"{self.name} {argument_text(self._read()[0])}"
        return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:12]

    def sent_back(self) -> dict[str, Any] | None:
        arguments = self._read()[0]
        call = {"name": self.name, "args": arguments if isinstance(arguments, dict) else {}}
        sent = {"id": self.given_id, **call} if self.given_id else call
        return {**(self._rest.sent_back() or {}), "functionCall": sent}
