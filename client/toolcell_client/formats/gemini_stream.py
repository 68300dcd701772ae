"""
Reads Gemini responses, whole or in chunks.  Pure.

Theory of operation.  A chunk of `streamGenerateContent` is a response of its own: new parts, usage
so far, and the reason once there is one.  Some models say STOP in every chunk.  A whole response is
read as one chunk whose text is not merged.

A model may call so badly that the provider shows no call, only the reason and a message, such as
MALFORMED_FUNCTION_CALL.  That is a call all the same: it has a problem, and its answer is text, as
there is no part that a `functionResponse` could answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.gemini_ending import BAD_CALLS, Ending
from toolcell_client.formats.gemini_names import on_the_wire
from toolcell_client.formats.gemini_parts import Parts
from toolcell_client.formats.pieces import short
from toolcell_client.formats.turns import RawCall, Stop, WireTurn
from toolcell_client.formats.unreadable import remedy_of_shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAYING = frozenset(
    {
        *("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"),
        "sdkHttpResponse",  # all that `google-genai` has of an empty response
    }
)
AS_TEXT = "asText"  # in `echo`, of a call that the provider does not show


class GeminiStream:
    """
    See `Accumulator`.
    """

    def __init__(self, *, merging: bool = True) -> None:
        self._parts = Parts(merging=merging)
        self._ending = Ending()

    def add(self, event: Any) -> Sequence[str | RawCall]:
        return self.read(on_the_wire(plain(event)))

    def read(self, chunk: Mapping[str, Any]) -> list[str | RawCall]:
        """
        Take a chunk with the names of the wire.
        """
        candidate = _candidate(chunk)
        self._ending.add(chunk, candidate)
        self._parts.response_id = self._parts.response_id or self._ending.response_id
        brought: list[str | RawCall] = []
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            brought += self._parts.add(part)
        if self._ending.cut_nothing:
            brought += self._parts.release()
        return brought

    def turn(self) -> WireTurn:
        ending = self._ending
        return WireTurn(
            text=self._parts.text(),
            calls=self._parts.calls(ending.problem) or self._bad_call(),
            stop=ending.stop,
            messages=self._parts.messages(),
            tokens=ending.tokens,
            model=ending.model,
            reason=ending.reason,
        )

    def _bad_call(self) -> tuple[RawCall, ...]:
        ending = self._ending
        problem = BAD_CALLS.get(ending.finish)
        if problem is None or ending.stop is not Stop.CALLS:
            return ()
        said = ending.message or ending.finish
        call = RawCall(
            call_id=f"{ending.response_id or 'call'}_0",
            name="",
            arguments="",
            problem=problem,
            detail=f"{said} Nothing ran. Call one of the declared functions, with their arguments.",
            echo={AS_TEXT: True},
        )
        return (call,)


def turn_of(response: Any) -> WireTurn:
    """
    Raises:
        ValueError: it is no response of Gemini.
    """
    told = on_the_wire(plain(response))
    if not told.keys() & SAYING:
        error = told.get("error")
        said = short(error.get("message")) if isinstance(error, dict) else ""
        raise ValueError(
            f"a Gemini response has candidates, and this has none{said and ': '}{said}"
            f"{remedy_of_shape(told, 'gemini')}"
        )
    whole = GeminiStream(merging=False)
    whole.read(told)
    return whole.turn()


def _candidate(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    candidates = chunk.get("candidates")
    for each in candidates if isinstance(candidates, list) else ():
        if isinstance(each, dict) and not each.get("index"):
            return each
    return {}
