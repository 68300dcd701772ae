"""
What each provider's SDK says of everything that is sent to it: messages, events, definitions and
choices, with no key besides its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anthropic.types import MessageParam, ToolChoiceParam, ToolUnionParam
from google.genai import types
from openai_requests import (
    CHAT_CHOICES,
    CHAT_MESSAGES,
    CHAT_TOOLS,
    FUNCTION_CALLS,
    FUNCTIONS,
    RESPONSE_CHOICES,
    RESPONSE_ITEMS,
    RESPONSE_TOOLS,
    complaints,
)
from realtime_events import CLIENT_EVENTS, strictly
from typed_dicts import misfits

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel, TypeAdapter

Sent = list[dict[str, Any]]
Complaints = list[str]


def _anthropic(annotation: Any) -> Callable[[Sent], Complaints]:
    return lambda sent: [found for each in sent for found in misfits(annotation, each)]


def _gemini(model: type[BaseModel]) -> Callable[[Sent], Complaints]:
    """
    The models of this SDK refuse keys that they do not know.
    """

    def check(sent: Sent) -> Complaints:
        try:
            for each in sent:
                model.model_validate(each)
        except ValueError as error:
            return [str(error)]
        return []

    return check


def _realtime(sent: Sent) -> Complaints:
    try:
        for each in sent:
            strictly(CLIENT_EVENTS, each)
    except (ValueError, AssertionError) as error:
        return [str(error)]
    return []


def _session(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **fields}}


def _openai(adapter: TypeAdapter[Any], field: str = "") -> Callable[[Sent], Complaints]:
    """
    With a field: what that field of each holds is of the type.
    """
    return lambda sent: complaints(adapter, [each[field] if field else each for each in sent])


def _choice(
    check: Callable[[Any], Complaints], field: str, *others: str
) -> Callable[[dict[str, Any]], Complaints]:
    """
    Fields of a request that say how to call: one with the choice, and others with a yes or no.
    """

    def checked(fields: dict[str, Any]) -> Complaints:
        unknown = [f"{each} is unknown" for each in fields.keys() - {field, *others}]
        odd = [
            f"{each} is no bool" for each in fields.keys() & {*others} if not _is_bool(fields, each)
        ]
        return [*unknown, *odd, *check([fields[field]])]

    return checked


def _is_bool(fields: dict[str, Any], name: str) -> bool:
    return isinstance(fields[name], bool)


# By provider: what goes into the history, or over the connection.
MESSAGES: dict[str, Callable[[Sent], Complaints]] = {
    "openai": _openai(CHAT_MESSAGES),
    "openai-functions": _openai(CHAT_MESSAGES),
    "openai-responses": _openai(RESPONSE_ITEMS),
    "openai-realtime": _realtime,
    "anthropic": _anthropic(MessageParam),
    "gemini": _gemini(types.Content),
}
DEFINITIONS: dict[str, Callable[[Sent], Complaints]] = {
    "openai": _openai(CHAT_TOOLS),
    "openai-functions": _openai(FUNCTIONS),
    "openai-responses": _openai(RESPONSE_TOOLS),
    "openai-realtime": lambda sent: _realtime([_session({"tools": sent})]),
    "anthropic": _anthropic(ToolUnionParam),
    "gemini": _gemini(types.Tool),
}
CHOICES: dict[str, Callable[[dict[str, Any]], Complaints]] = {
    "openai": _choice(_openai(CHAT_CHOICES), "tool_choice", "parallel_tool_calls"),
    "openai-functions": _choice(_openai(FUNCTION_CALLS), "function_call"),
    "openai-responses": _choice(_openai(RESPONSE_CHOICES), "tool_choice", "parallel_tool_calls"),
    "openai-realtime": lambda fields: _realtime([_session(fields)]),
    "anthropic": _choice(_anthropic(ToolChoiceParam), "tool_choice"),
    "gemini": _choice(_gemini(types.ToolConfig), "toolConfig"),
}
