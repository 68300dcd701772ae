"""
OpenAI Realtime: one response of a voice session, and the events that answer it.  Pure.

Theory of operation.  Over one connection come many responses; this file reads one of them.  Its
items stay in the conversation that the server keeps, so nothing is sent back as history, and a
definition has no `strict`: the server knows no such field.  `function_call_arguments.done` and
`output_item.done` also come for what was interrupted; only an item of status "completed" is a call.
A result is an item of its own.  After all of them the caller sends `response.create`, once, and not
while a response is active: that is the business of `toolcell_client.voice`.

Source: the types of the `openai` package, `openai/types/realtime`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.format import plain
from toolcell_client.formats.modes import check_mode
from toolcell_client.formats.openai_chat import described
from toolcell_client.formats.openai_realtime_stream import RealtimeAccumulator, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.formats.offered import Offer
    from toolcell_client.formats.turns import Answer, WireTurn

CONTENT = {"user": "input_text", "assistant": "output_text"}


class OpenAiRealtime:
    """
    The format of events over `wss://…/v1/realtime`.
    """

    provider = "openai-realtime"

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        return [{"type": "function", **described(each)} for each in offers]

    def choice(self, mode: str, names: Sequence[str], *, parallel: bool | None) -> dict[str, Any]:
        check_mode(mode, names)
        fields: dict[str, Any] = {} if parallel is None else {"parallel_tool_calls": parallel}
        if mode == "one":
            return {"tool_choice": {"type": "function", "name": names[0]}, **fields}
        if names:
            raise ValueError(
                "OpenAI Realtime cannot be told which of the tools are allowed; send the"
                " definitions of those alone, as `tools` of this response.create"
            )
        return {"tool_choice": mode, **fields}

    def turn(self, response: Any) -> WireTurn:
        """
        Read `response.done`, or the response in it.
        """
        answered = plain(response)
        inner = answered.get("response", answered)
        if not isinstance(inner, dict) or not isinstance(inner.get("output"), list):
            raise ValueError(  # noqa: TRY004  # it is a value that came over the wire
                "a response of OpenAI Realtime has output, and this has none"
            )
        return read(inner)

    def accumulator(self) -> RealtimeAccumulator:
        return RealtimeAccumulator()

    def results(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        return [output_item(each.call.call_id, each.text) for each in answers]

    def said(self, role: str, text: str) -> dict[str, Any]:
        content = [{"type": CONTENT[role], "text": text}]
        item = {"type": "message", "role": role, "content": content}
        return {"type": "conversation.item.create", "item": item}


def output_item(call_id: str, output: str) -> dict[str, Any]:
    """
    The event that answers one call; `output` is text, whatever is in it.
    """
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return {"type": "conversation.item.create", "item": item}


FORMAT = OpenAiRealtime()
