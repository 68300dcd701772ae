"""
Puts one response of OpenAI Realtime together from its events.  Pure.

Theory of operation.  Three events tell of a call: the deltas of its arguments, `output_item.done`,
and `response.done`, which lists every item again and always comes.  A later one is the better
witness: an item that is done replaces what its deltas said, and the list of the response replaces
all of it.  So the turn depends on what was said, and never on how it was cut or in which order two
items came.  A call is handed out once, when its item is completed.  What never completes is kept
for the turn, with the reason that the response gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.turns import Problem, RawCall, Stop, Tokens, WireTurn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PIECES = ("response.output_text.delta", "response.output_audio_transcript.delta")
MOST_CHARACTERS = 2**20  # of the arguments of one call; more than the server takes
MOST_WORD = 512  # characters of a reason, or of the name of a model
MOST_ITEMS = 128  # arbitrary; of one response
REASONS = {"max_output_tokens": Stop.LENGTH, "content_filter": Stop.REFUSED}


class RealtimeAccumulator:
    """
    Takes the events of one connection; those of other responses than the first are left alone.
    """

    def __init__(self) -> None:
        self._response_id = ""
        self._text: dict[tuple[int, int], list[str]] = {}
        self._calls: dict[str, dict[str, Any]] = {}
        self._given: set[str] = set()
        self._done: WireTurn | None = None

    def add(self, event: Any) -> Sequence[str | RawCall]:
        told = plain(event)
        if not self._is_ours(told):
            return ()
        match told.get("type"):
            case "response.function_call_arguments.delta":
                self._add_arguments(told)
            case "response.function_call_arguments.done":
                self._item(told)["arguments"] = str(told.get("arguments") or "")[:MOST_CHARACTERS]
                self._item(told).update(_known(told, "name"))
            case "response.output_item.added" | "response.output_item.done":
                return self._add_item(told)
            case "response.done":
                return self._add_response(told["response"])
            case kind if kind in PIECES:
                return self._add_text(told)
        return ()

    def turn(self) -> WireTurn:
        if self._done is not None:
            return self._done
        text = "".join(piece for _, pieces in sorted(self._text.items()) for piece in pieces)
        items = sorted(self._calls.values(), key=lambda each: each["output_index"])
        return WireTurn(text=text, calls=calls(items, Stop.UNKNOWN))

    def _is_ours(self, told: Mapping[str, Any]) -> bool:
        response = told.get("response")
        found = told.get("response_id") or (isinstance(response, dict) and response.get("id"))
        if not found or self._done is not None:
            return False
        self._response_id = self._response_id or found
        return bool(found == self._response_id)

    def _item(self, told: Mapping[str, Any]) -> dict[str, Any]:
        item_id = str(told.get("item_id", ""))
        if item_id not in self._calls and len(self._calls) >= MOST_ITEMS:
            return {"arguments": ""}
        item = self._calls.setdefault(item_id, {"arguments": "", "output_index": 0})
        item.update(_known(told, "call_id", "output_index"))
        return item

    def _add_arguments(self, told: Mapping[str, Any]) -> None:
        item = self._item(told)
        room = MOST_CHARACTERS - len(item["arguments"])
        item["arguments"] += str(told.get("delta") or "")[:room]

    def _add_item(self, told: Mapping[str, Any]) -> Sequence[RawCall]:
        item = told.get("item") or {}
        if item.get("type") != "function_call":
            return ()
        known = self._item({**told, "item_id": item.get("id") or item.get("call_id")})
        if told["type"] == "response.output_item.added":
            known.update(_known(item, "call_id", "name"))
            return ()
        known.update(_known(item, "call_id", "name", "arguments", "status"))
        return self._fresh([call(known, Stop.UNKNOWN)])

    def _add_text(self, told: Mapping[str, Any]) -> Sequence[str]:
        place = (told.get("output_index", 0), told.get("content_index", 0))
        delta = str(told.get("delta") or "")
        self._text.setdefault(place, []).append(delta)
        return (delta,) if delta else ()

    def _add_response(self, response: Mapping[str, Any]) -> Sequence[RawCall]:
        self._done = read(response)
        return self._fresh(self._done.calls)

    def _fresh(self, found: Iterable[RawCall]) -> Sequence[RawCall]:
        whole = [each for each in found if each.problem is None and each.call_id not in self._given]
        self._given.update(each.call_id for each in whole)
        return whole


def read(response: Mapping[str, Any]) -> WireTurn:
    """
    A whole response, as `response.done` has it.
    """
    items = [each for each in response.get("output") or () if isinstance(each, dict)]
    stop = _stop(response)
    return WireTurn(
        text="".join(_text(each) for each in items if each.get("type") == "message"),
        calls=calls([each for each in items if each.get("type") == "function_call"], stop),
        stop=stop,
        tokens=tokens(_object(response.get("usage"))),
        reason=_reason(response),
    )


def calls(items: Iterable[Mapping[str, Any]], stop: Stop) -> tuple[RawCall, ...]:
    """
    Calls by their items, each id once.
    """
    found = [call(each, stop) for each in items]
    return tuple({each.call_id: each for each in reversed(found)}.values())[::-1]


def call(item: Mapping[str, Any], stop: Stop) -> RawCall:
    """
    A call, with a problem unless its item is completed.
    """
    problem = None
    if item.get("status") != "completed":
        cut = stop in (Stop.LENGTH, Stop.UNKNOWN)
        problem = Problem.TRUNCATED if cut else Problem.CANCELLED
    return RawCall(
        call_id=str(item.get("call_id") or ""),
        name=str(item.get("name") or ""),
        arguments=str(item.get("arguments") or ""),
        problem=problem,
    )


def tokens(usage: Mapping[str, Any]) -> Tokens:
    """
    What `usage` of a response says; text, audio and images together.
    """
    details = _object(usage.get("input_token_details"))
    return Tokens(
        input=count(usage.get("input_tokens")),
        output=count(usage.get("output_tokens")),
        cached=count(details.get("cached_tokens")),
    )


def _stop(response: Mapping[str, Any]) -> Stop:
    reason = short(_object(response.get("status_details")).get("reason"))
    match response.get("status"):
        case "completed":
            return Stop.END
        case "cancelled":
            return Stop.CANCELLED
        case "incomplete":
            return REASONS.get(reason, Stop.UNKNOWN)
        case "failed":
            return Stop.FAILED
    return Stop.UNKNOWN


def _reason(response: Mapping[str, Any]) -> str:
    details = _object(response.get("status_details"))
    error = _object(details.get("error"))
    return short(error.get("message")) or short(details.get("reason"))


def short(value: object) -> str:
    """
    A reason or a name that can be sent; "" where it is none.
    """
    return value[:MOST_WORD].encode(errors="replace").decode() if isinstance(value, str) else ""


def count(value: object) -> int:
    """
    A number of tokens; 0 where it is none.
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(item: Mapping[str, Any]) -> str:
    parts = [each for each in item.get("content") or () if isinstance(each, dict)]
    return "".join(str(each.get("text") or each.get("transcript") or "") for each in parts)


def _known(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: told[name] for name in names if told.get(name) is not None}
