"""
Anthropic Messages, `POST /v1/messages`.  Pure.

Source: the types of the `anthropic` package: `tool_param.py`, `tool_choice_param.py`, `message.py`,
`tool_result_block_param.py`.  What only the live API enforces stands where it is dealt with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.anthropic_content import Content
from toolcell_client.formats.anthropic_ending import Ending
from toolcell_client.formats.anthropic_stream import AnthropicStream, turn_of
from toolcell_client.formats.format import plain
from toolcell_client.formats.modes import check_mode
from toolcell_client.formats.pieces import short
from toolcell_client.formats.unreadable import remedy_of_shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_client.formats.format import Accumulator
    from toolcell_client.formats.offered import Offer
    from toolcell_client.formats.turns import Answer, WireTurn

KINDS = {"auto": "auto", "none": "none", "required": "any", "one": "tool"}


class AnthropicMessages:
    """
    The format of `POST /v1/messages`.
    """

    provider = "anthropic"

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        return [_definition(each) for each in offers]

    def choice(self, mode: str, names: Sequence[str], *, parallel: bool | None) -> dict[str, Any]:
        """
        Models that think before they call take only "auto" and "none".
        """
        check_mode(mode, names)
        if mode == "required" and len(names) == 1:
            mode = "one"
        if names and mode in {"auto", "required"}:
            raise ValueError(
                "Anthropic has no list of allowed tools: send only their definitions,"
                " definitions('anthropic', only=…), and leave the names out here"
            )
        return {"tool_choice": _choice(KINDS[mode], names, parallel)}

    def turn(self, response: Any) -> WireTurn:
        message = plain(response)
        blocks = message.get("content")
        if not isinstance(blocks, list):
            # What a provider sent is a value, whatever its type.
            raise ValueError(  # noqa: TRY004
                f"an Anthropic message has content, a list{_error(message)}"
                f"{remedy_of_shape(message, 'anthropic')}"
            )
        content, ending = Content(), Ending()
        for index, block in enumerate(blocks):
            content.start(index, block)
            content.stop(index)
        ending.add(message, message.get("usage"))
        if ending.cut_nothing:
            content.release()
        return turn_of(content, ending)

    def accumulator(self) -> Accumulator:
        return AnthropicStream()

    def results(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """
        One message for all: the provider wants every result in the one next message, and first.
        """
        by_id: dict[str, dict[str, Any]] = {}
        for number, each in enumerate(answers):
            by_id.setdefault(each.call.call_id or f"none {number}", _result(each))
        return [{"role": "user", "content": list(by_id.values())}] if by_id else []

    def said(self, role: str, text: str) -> dict[str, Any]:
        return {"role": role, "content": text}


def _definition(offer: Offer) -> dict[str, Any]:
    made: dict[str, Any] = {"name": offer.name}
    if offer.description:
        made["description"] = offer.description
    made["input_schema"] = {"type": "object", **offer.parameters}
    if offer.strict:
        made["strict"] = True
    return made


def _choice(kind: str, names: Sequence[str], parallel: bool | None) -> dict[str, Any]:  # noqa: FBT001
    made: dict[str, Any] = {"type": kind}
    if kind == "tool":
        made["name"] = names[0]
    if parallel is not None and kind != "none":
        made["disable_parallel_tool_use"] = not parallel
    return made


def _result(answer: Answer) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "tool_result", "tool_use_id": answer.call.call_id}
    text = answer.text
    if answer.failed:
        text = text if text.strip() else "failed"  # an error without a word is refused
    if text.strip():  # blank text is refused too, and no content is not
        made["content"] = text
    if answer.failed:
        made["is_error"] = True
    return {**made, **answer.call.raw.echo}


def _error(message: Mapping[str, Any]) -> str:
    error = message.get("error")
    said = short(error.get("message")) if isinstance(error, dict) else ""
    return f", and this has none: {said}" if said else ", and this has none"


FORMAT = AnthropicMessages()
