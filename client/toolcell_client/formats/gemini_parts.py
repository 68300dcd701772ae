"""
The parts of one Gemini response, and which of its calls are whole.  Pure.

Theory of operation.  A call comes whole in one part, except with `partialArgs`, where it is open
until a part of it does not say `willContinue`.  A model writes one part after another; where it is
cut off, the last one may be half.  So a call is whole when it is not open and either another part
has come after it, or the response has ended for a reason that cuts nothing.  Until then it is not
handed out.

In a stream, text comes in parts of any length.  Parts that are text and nothing else grow together,
so that the same response goes back however it was cut; a part with a `thoughtSignature` stays as it
came, as the provider wants it back in its place.  Empty text that carries nothing is left out, as
the provider refuses it.

Calls mostly have no id.  They get one, of the response's id and their number; it never goes back:
the provider knows them by name and order.  Where the response has no id either, theirs repeat from
turn to turn, and look it: an id of what a call says would look unique, and a call that asks the
same again would be taken for the one that was answered.  Of the calls beyond the bound
(`pieces.CALLS`) the first is answered for all, and the rest is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.gemini_part import (
    CallPart,
    OtherPart,
    Rooms,
    TextPart,
    grows,
)
from toolcell_client.formats.pieces import CALLS

if TYPE_CHECKING:
    from toolcell_client.formats.turns import Problem, RawCall

PARTS = 4096  # arbitrary; above what any model writes in one response


class Parts:
    """
    Parts in the order in which they came.  `merging`: text grows.
    """

    def __init__(self, *, merging: bool) -> None:
        self._merging = merging
        self._rooms = Rooms()
        self._parts: list[TextPart | CallPart | OtherPart] = []
        self._calls: list[CallPart] = []
        self.response_id = ""

    def add(self, part: object) -> list[str | RawCall]:
        """
        A part comes; those before it are whole.
        """
        if not isinstance(part, dict) or not part:
            return []
        if isinstance(part.get("functionCall"), dict):
            return self._call(part)
        if isinstance(part.get("text"), str):
            return self._text(part)
        return self._append(OtherPart(part, self._rooms))

    def _append(self, part: TextPart | CallPart | OtherPart) -> list[str | RawCall]:
        if len(self._parts) >= PARTS:
            return []
        whole = self.release()
        self._parts.append(part)
        return [*whole]

    def _call(self, part: dict[str, Any]) -> list[str | RawCall]:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, CallPart) and last.open and not part["functionCall"].get("name"):
            last.go_on(part)
            return []
        number = len(self._calls)
        if number > CALLS or len(self._parts) >= PARTS:
            return []
        made_up = f"{self.response_id or 'call'}_{number}"
        call = CallPart(part, self._rooms, made_up, surplus=number == CALLS)
        whole = self._append(call)
        self._calls.append(call)
        return whole

    def _text(self, part: dict[str, Any]) -> list[str | RawCall]:
        if grows(part) and not part["text"]:
            return []
        whole: list[str | RawCall] = []
        text = self._parts[-1] if self._parts and self._merging else None
        if not (isinstance(text, TextPart) and text.takes(part)):
            text = TextPart(part, self._rooms)
            whole = self._append(text)
        said = text.add(part)
        return [*whole, said] if said else whole

    def release(self) -> list[RawCall]:
        """
        Calls that are not open and were not handed out: the caller knows that nothing was cut.
        """
        whole = [each for each in self._calls if not each.released and not each.open]
        for each in whole:
            each.released = True
        return [call for call in (each.call() for each in whole) if call.problem is None]

    def text(self) -> str:
        """
        What the model says.
        """
        return "".join(each.said for each in self._parts if isinstance(each, TextPart))

    def calls(self, cut: Problem) -> tuple[RawCall, ...]:
        """
        All calls; those that are not whole have this problem.
        """
        return tuple(each.call(None if each.released else cut) for each in self._calls)

    def messages(self) -> tuple[dict[str, Any], ...]:
        """
        The one content that goes back; none where nothing would be in it.
        """
        sent = [each.sent_back() for each in self._parts]
        parts = [each for each in sent if each is not None]
        return ({"role": "model", "parts": parts},) if parts else ()
