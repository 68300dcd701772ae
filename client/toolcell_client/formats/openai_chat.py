"""
OpenAI Chat Completions, and the many servers that speak it.  Pure.

Source: the types of the `openai` package, `openai/types/chat`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.turns import Problem, RawCall, Stop, Tokens, WireTurn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_client.formats.offered import Offer
    from toolcell_client.formats.turns import Answer

STOPS = {
    "stop": Stop.END,
    "tool_calls": Stop.CALLS,
    "function_call": Stop.CALLS,
    "length": Stop.LENGTH,
    "content_filter": Stop.REFUSED,
}


class OpenAiChat:
    """
    The format of `POST /chat/completions`.
    """

    provider = "openai"

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        return [{"type": "function", "function": function(each)} for each in offers]

    def turn(self, response: Any) -> WireTurn:
        answered = plain(response)
        if not answered.get("choices"):
            raise ValueError("an OpenAI chat completion has choices, and this has none")
        choice = answered["choices"][0]
        message = dict(choice["message"])
        stop = STOPS.get(choice.get("finish_reason") or "", Stop.UNKNOWN)
        return WireTurn(
            text=message.get("content") or message.get("refusal") or "",
            calls=tuple(_call(each, stop) for each in message.get("tool_calls") or ()),
            stop=stop,
            messages=(message,),
            tokens=tokens(answered.get("usage") or {}),
            model=answered.get("model", ""),
        )

    def results(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        return [
            {"role": "tool", "tool_call_id": each.call.call_id, "content": each.text}
            for each in answers
        ]

    def said(self, role: str, text: str) -> dict[str, Any]:
        return {"role": role, "content": text}


def function(offer: Offer) -> dict[str, Any]:
    """
    One definition; `strict` is always written, as its default differs between the APIs.
    """
    return {
        "name": offer.name,
        "description": offer.description,
        "parameters": dict(offer.parameters),
        "strict": offer.strict,
    }


def tokens(usage: Mapping[str, Any]) -> Tokens:
    """
    What `usage` of a completion says.
    """
    return Tokens(
        input=usage.get("prompt_tokens", 0),
        output=usage.get("completion_tokens", 0),
        cached=(usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        reasoning=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
    )


def _call(call: Mapping[str, Any], stop: Stop) -> RawCall:
    called = call.get("function") or call.get("custom") or {}
    return RawCall(
        call_id=call.get("id", ""),
        name=called.get("name", ""),
        arguments=called.get("arguments", called.get("input", "")),
        problem=Problem.TRUNCATED if stop is Stop.LENGTH else None,
    )


FORMAT = OpenAiChat()
