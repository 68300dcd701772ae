"""
Google Gemini, `generateContent` and `streamGenerateContent`.  Pure.

Source: `Tool`, `FunctionDeclaration`, `ToolConfig`, `FunctionCallingConfig`, `FunctionResponse` and
`Content` of `google/genai/types.py`.  All that is written has the names of the wire, which the
objects of `google-genai` take too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.gemini_stream import AS_TEXT, GeminiStream, turn_of
from toolcell_client.formats.modes import check_mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.formats.format import Accumulator
    from toolcell_client.formats.offered import Offer
    from toolcell_client.formats.turns import Answer, WireTurn

# VALIDATED is AUTO that takes a list of names; AUTO itself takes none.
KINDS = {"auto": "AUTO", "none": "NONE", "required": "ANY", "one": "ANY"}
ROLES = {"user": "user", "assistant": "model"}


class Gemini:
    """
    The format of `POST …:generateContent`.
    """

    provider = "gemini"

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        """
        One entry of `tools` for all.  No tool is strict by itself: VALIDATED is of a request.
        """
        declared = [_declaration(each) for each in offers]
        return [{"functionDeclarations": declared}] if declared else []

    def choice(self, mode: str, names: Sequence[str], *, parallel: bool | None) -> dict[str, Any]:
        check_mode(mode, names)
        if parallel is False and mode != "none":
            raise ValueError(
                "Gemini cannot be told to call one tool at a time: leave `parallel` out,"
                " and execute the calls one after another (max_concurrent_calls=1)"
            )
        config: dict[str, Any] = {"mode": KINDS[mode]}
        if names and mode != "none":
            config["mode"] = "VALIDATED" if mode == "auto" else "ANY"
            config["allowedFunctionNames"] = list(names)
        return {"toolConfig": {"functionCallingConfig": config}}

    def turn(self, response: Any) -> WireTurn:
        return turn_of(response)

    def accumulator(self) -> Accumulator:
        return GeminiStream()

    def results(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """
        One turn for all: the provider wants as many responses as there were calls, in their order.
        """
        parts = [_part(each) for each in answers]
        return [{"role": "user", "parts": parts}] if parts else []

    def said(self, role: str, text: str) -> dict[str, Any]:
        return {"role": ROLES[role], "parts": [{"text": text}]}


def _declaration(offer: Offer) -> dict[str, Any]:
    made: dict[str, Any] = {"name": offer.name}
    if offer.description:
        made["description"] = offer.description
    made["parametersJsonSchema"] = dict(offer.parameters)
    if offer.returns is not None and offer.returns.get("type") == "object":
        made["responseJsonSchema"] = dict(offer.returns)
    return made


def _part(answer: Answer) -> dict[str, Any]:
    """
    A response is an object, of which the provider reads `output` or `error`; with neither it would
    take the whole as output, so a result that has such keys itself could say what it does not mean.
    """
    raw = answer.call.raw
    if AS_TEXT in raw.echo:
        return {"text": answer.text}
    response = {"error" if answer.failed else "output": answer.value}
    return {"functionResponse": {**raw.echo, "name": raw.name, "response": response}}


FORMAT = Gemini()
