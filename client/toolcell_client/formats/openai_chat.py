"""
OpenAI Chat Completions, and the many servers that speak it.  Pure.

Source: the types of the `openai` package, `openai/types/chat`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.modes import check_mode
from toolcell_client.formats.openai_chat_stream import ChatStream, first_choice
from toolcell_client.formats.unreadable import remedy_of_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.formats.format import Accumulator
    from toolcell_client.formats.offered import Offer
    from toolcell_client.formats.turns import Answer, WireTurn


class OpenAiChat:
    """
    The format of `POST /chat/completions`.
    """

    provider = "openai"

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        return [{"type": "function", "function": function(each)} for each in offers]

    def choice(self, mode: str, names: Sequence[str], *, parallel: bool | None) -> dict[str, Any]:
        check_mode(mode, names)
        chosen: dict[str, Any] = {"tool_choice": mode}
        if mode == "one":
            chosen = {"tool_choice": _named(names[0])}
        elif names and mode != "none":
            allowed = {"mode": mode, "tools": [_named(each) for each in names]}
            chosen = {"tool_choice": {"type": "allowed_tools", "allowed_tools": allowed}}
        return chosen if parallel is None else chosen | {"parallel_tool_calls": parallel}

    def turn(self, response: Any) -> WireTurn:
        answered = plain(response)
        message = first_choice(answered).get("message")
        if not isinstance(message, dict):  # which model_dump made, if it was an object
            error = answered.get("error") or (
                f"there is no message in its first choice{remedy_of_shape(answered, 'openai')}"
            )
            raise ValueError(f"this is no OpenAI chat completion: {str(error)[:300]}")  # noqa: TRY004
        stream = ChatStream()
        stream.add_whole(answered)
        return stream.turn()

    def accumulator(self) -> Accumulator:
        return ChatStream()

    def results(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        return [_result(each) for each in answers]

    def said(self, role: str, text: str) -> dict[str, Any]:
        return {"role": role, "content": text}


def function(offer: Offer) -> dict[str, Any]:
    """
    One definition; `strict` is always written, as its default differs between the APIs.
    """
    return {**described(offer), "strict": offer.strict}


def described(offer: Offer) -> dict[str, Any]:
    """
    What all formats of OpenAI say of a tool.
    """
    return {
        "name": offer.name,
        "description": offer.description,
        "parameters": dict(offer.parameters),
    }


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _result(answer: Answer) -> dict[str, Any]:
    raw = answer.call.raw
    if raw.echo.get("role") == "function":
        return {"role": "function", "name": raw.name, "content": answer.text}
    return {"role": "tool", "tool_call_id": raw.call_id, "content": answer.text}


FORMAT = OpenAiChat()
