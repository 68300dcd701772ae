"""
Puts a streamed response of OpenAI Responses together; a whole one is its items and its end.  Pure.

Theory of operation.  `response.output_item.done` decides what an item is, and brings a call at
once: `response.function_call_arguments.done` names neither the call nor the tool.  What a call was
when it was brought it stays, however the response ends, as it may be running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.openai_responses_item import kind_of
from toolcell_client.formats.openai_responses_items import Items
from toolcell_client.formats.openai_usage import tokens
from toolcell_client.formats.pieces import short
from toolcell_client.formats.turns import Problem, Stop, Tokens, WireTurn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_client.formats.turns import RawCall

STATUSES = {
    "completed": Stop.END,
    "incomplete": Stop.LENGTH,
    "failed": Stop.FAILED,
    "cancelled": Stop.CANCELLED,
}
INCOMPLETE = {"content_filter": Stop.REFUSED, "steered": Stop.CANCELLED}
# Of calls that were not brought before the response ended so; else their own status counts.
PROBLEMS = {
    Stop.CANCELLED: Problem.CANCELLED,
    Stop.FAILED: Problem.TRUNCATED,
    Stop.UNKNOWN: Problem.TRUNCATED,
}
SAID = {"response.output_text.delta", "response.refusal.delta"}
WRITTEN = {"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"}
ENDS = {f"response.{status}" for status in STATUSES}


class ResponseStream:
    """
    One response.
    """

    def __init__(self) -> None:
        self._items = Items()
        self._stop = Stop.UNKNOWN
        self._problem: Problem | None = None
        self._tokens = Tokens()
        self._model = self._reason = ""

    def add(self, event: Any) -> Sequence[str | RawCall]:
        read = plain(event)
        kind, index = kind_of(read), read.get("output_index")
        if kind == "response.output_item.added":
            self._items.begin(read.get("item"), index)
        elif kind == "response.output_item.done":
            return self._ended(read.get("item"), index)
        elif kind in SAID or kind in WRITTEN:
            return self._grown(kind, read)
        elif kind == "error":
            self._finish("failed", {"error": read.get("error") or read})
        elif isinstance(response := read.get("response"), dict):
            self._note(response)
            if kind in ENDS:
                self._finish(response.get("status") or kind.removeprefix("response."), response)
                return self._rest(response.get("output"))
        return []

    def add_whole(self, response: Mapping[str, Any]) -> None:
        """
        Take a response that is not streamed; without a status it is whole.
        """
        self._note(response)
        self._finish(response.get("status") or "completed", response)
        self._rest(response.get("output"))

    def turn(self) -> WireTurn:
        items = list(self._items)
        calls = tuple(each.raw(self._problem) for each in items if each.is_call)
        refused = self._stop is Stop.END and not calls and any(each.refuses for each in items)
        stop = Stop.REFUSED if refused else self._stop
        messages = (each.message() for each in items)
        return WireTurn(
            text="".join(str(each.written) for each in items if kind_of(each.item) == "message"),
            calls=calls,
            stop=Stop.LENGTH if self._items.full or self._items.texts.full else stop,
            messages=tuple(each for each in messages if each is not None),
            tokens=self._tokens,
            model=self._model,
            reason=self._reason,
        )

    def _grown(self, kind: str, event: Mapping[str, Any]) -> list[str | RawCall]:
        item_id, index = event.get("item_id"), event.get("output_index")
        if kind in SAID and self._items.known(short(item_id), index) is None:
            begun = {"type": "message", "id": item_id, "role": "assistant"}
            self._items.begin(begun, index)  # as some servers do not
        text = self._items.grow(item_id, index, event.get("delta"))
        return [text] if text and kind in SAID else []

    def _ended(self, item: Any, index: object) -> list[str | RawCall]:
        ended = self._items.end(item, index)
        if ended is None:
            return []
        parts, text = ended
        if not parts.is_call:
            return [text] if text else []
        raw = parts.raw(self._problem)
        if raw.problem in {Problem.TRUNCATED, Problem.CANCELLED}:
            return []
        parts.brought = raw
        return [raw]

    def _rest(self, output: Any) -> list[str | RawCall]:
        brought: list[str | RawCall] = []
        for index, item in enumerate(output if isinstance(output, list) else ()):
            if self._items.missing(index):
                brought += self._ended(item, index)
        return brought

    def _note(self, response: Mapping[str, Any]) -> None:
        self._model = short(response.get("model")) or self._model
        if isinstance(usage := response.get("usage"), dict):
            self._tokens = tokens(usage, "input", "output")

    def _finish(self, status: object, response: Mapping[str, Any]) -> None:
        incomplete, error = (
            each if isinstance(each := response.get(key), dict) else {}
            for key in ("incomplete_details", "error")
        )
        reason = short(incomplete.get("reason"))
        self._stop = STATUSES.get(status, Stop.UNKNOWN) if isinstance(status, str) else Stop.UNKNOWN
        if self._stop is Stop.LENGTH:
            self._stop = INCOMPLETE.get(reason, Stop.LENGTH)
        self._problem = PROBLEMS.get(self._stop)
        self._reason = short(error.get("message")) or reason
