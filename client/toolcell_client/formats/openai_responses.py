"""
OpenAI Responses.  Pure.

The turn's messages are all output items, reasoning as well: models that reason want it back with
their calls.  Who goes on with `previous_response_id` sends only the results.
Source: the types of the `openai` package, `openai/types/responses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.modes import check_mode
from toolcell_client.formats.openai_chat import function
from toolcell_client.formats.openai_responses_stream import ResponseStream
from toolcell_client.formats.unreadable import remedy_of_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.formats.format import Accumulator
    from toolcell_client.formats.offered import Offer
    from toolcell_client.formats.turns import Answer, WireTurn


class OpenAiResponses:
    """
    The format of `POST /responses`.
    """

    provider = "openai-responses"

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        return [{"type": "function", **function(each)} for each in offers]

    def choice(self, mode: str, names: Sequence[str], *, parallel: bool | None) -> dict[str, Any]:
        check_mode(mode, names)
        chosen: dict[str, Any] = {"tool_choice": mode}
        if mode == "one":
            chosen = {"tool_choice": _named(names[0])}
        elif names and mode != "none":
            tools = [_named(each) for each in names]
            chosen = {"tool_choice": {"type": "allowed_tools", "mode": mode, "tools": tools}}
        return chosen if parallel is None else chosen | {"parallel_tool_calls": parallel}

    def turn(self, response: Any) -> WireTurn:
        answered = plain(response)
        if not isinstance(answered.get("output"), list):
            error = answered.get("error") or (
                f"it has no list of output{remedy_of_shape(answered, 'openai-responses')}"
            )
            raise ValueError(f"this is no OpenAI response: {str(error)[:300]}")  # noqa: TRY004
        stream = ResponseStream()
        stream.add_whole(answered)
        return stream.turn()

    def accumulator(self) -> Accumulator:
        return ResponseStream()

    def results(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        return [
            {
                "type": "function_call_output",
                "call_id": each.call.call_id,
                "output": each.text,
                **each.call.raw.echo,
            }
            for each in answers
        ]

    def said(self, role: str, text: str) -> dict[str, Any]:
        return {"role": role, "content": text}


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "name": name}


FORMAT = OpenAiResponses()
