"""
Puts a streamed chat completion together; a whole one is a stream of one event.  Pure.

Theory of operation.  Calls may be interleaved, so that none is whole before the `finish_reason`.
Some servers send it more than once, with calls in between: each brings those that came since.  A
stream that ends without it was cut off.  Of several choices only the first is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.openai_chat_calls import Calls
from toolcell_client.formats.openai_chat_message import Message
from toolcell_client.formats.openai_usage import tokens
from toolcell_client.formats.pieces import (
    ARGUMENT_BYTES,
    TEXT_BYTES,
    VERBATIM_BYTES,
    Room,
    short,
)
from toolcell_client.formats.turns import Problem, Stop, Tokens, WireTurn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_client.formats.turns import RawCall

STOPS = {
    "stop": Stop.END,
    "tool_calls": Stop.CALLS,
    "function_call": Stop.CALLS,
    "length": Stop.LENGTH,
    "content_filter": Stop.REFUSED,
    "error": Stop.FAILED,  # of routers in front of other providers
}
# After these a call may be half a call.
CUT_OFF = {Stop.LENGTH, Stop.REFUSED, Stop.FAILED}


class ChatStream:
    """
    One response.
    """

    def __init__(self) -> None:
        self._texts, more = Room(TEXT_BYTES), Room(VERBATIM_BYTES)
        self._message = Message(self._texts, more)
        self._calls = Calls(Room(ARGUMENT_BYTES), more)
        self._finish: Stop | None = None
        self._tokens = Tokens()
        self._model = self._reason = ""

    def add(self, event: Any) -> Sequence[str | RawCall]:
        chunk = plain(event)
        self._note(chunk)
        choice = first_choice(chunk)
        brought: list[str | RawCall] = [*self._add_delta(choice.get("delta"))]
        return brought + self._finished(choice.get("finish_reason"))

    def add_whole(self, response: Mapping[str, Any]) -> None:
        """
        Take a response that is not streamed.  It is whole whatever its `finish_reason` says, unless
        it says that it is not.
        """
        self._note(response)
        choice = first_choice(response)
        self._add_delta(choice.get("message"), whole=True)
        self._finished(choice.get("finish_reason") or "unknown")

    def turn(self) -> WireTurn:
        stop = self._finish or Stop.UNKNOWN
        cut_off = self._finish is None or stop in CUT_OFF
        calls = self._calls.raw(Problem.TRUNCATED if cut_off else None)
        if self._texts.full:
            stop = Stop.LENGTH
        elif self._message.refusal and not calls and not cut_off:
            stop = Stop.REFUSED
        begun = self._message.begun or calls
        return WireTurn(
            text=self._message.text,
            calls=tuple(calls),
            stop=stop,
            messages=(self._message.message(self._calls.all()),) if begun else (),
            tokens=self._tokens,
            model=self._model,
            reason=self._reason,
        )

    def _note(self, chunk: Mapping[str, Any]) -> None:
        self._model = short(chunk.get("model")) or self._model
        if isinstance(usage := chunk.get("usage"), dict):
            self._tokens = tokens(usage, "prompt", "completion")
        if error := chunk.get("error"):
            said = error.get("message") if isinstance(error, dict) else error
            self._finish, self._reason = Stop.FAILED, short(said)

    def _add_delta(self, delta: Any, *, whole: bool = False) -> list[str]:
        if not isinstance(delta, dict):
            return []
        calls = delta.get("tool_calls")
        for position, each in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(each, dict):
                self._calls.add(each, position if whole else each.get("index"))
        if isinstance(called := delta.get("function_call"), dict):
            self._calls.add_legacy(called)
        return self._message.add(delta)

    def _finished(self, reason: Any) -> list[RawCall]:
        if not isinstance(reason, str) or not reason:
            return []
        self._finish = STOPS.get(reason, Stop.UNKNOWN)
        return [] if self._finish in CUT_OFF else self._calls.whole()


def first_choice(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    The choice of index 0; an empty one where there is none, as in the chunk with the usage.
    """
    choices = response.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        index = choice.get("index") if isinstance(choice, dict) else 1
        if not isinstance(index, int) or index == 0:
            found: Mapping[str, Any] = choice
            return found
    return {}
