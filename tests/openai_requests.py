"""
What the `openai` package takes in requests: its own types, with no key besides theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from openai.types.chat import (
    ChatCompletionFunctionCallOptionParam,
    ChatCompletionMessageParam,
    ChatCompletionToolChoiceOptionParam,
    ChatCompletionToolUnionParam,
)
from openai.types.chat.completion_create_params import Function
from openai.types.responses import ResponseInputItemParam, ToolParam
from openai.types.responses.response_create_params import ToolChoice
from pydantic import ConfigDict, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable

STRICT = ConfigDict(extra="forbid", strict=True)


def adapter(kind: Any) -> TypeAdapter[Any]:
    """
    One that refuses what the type does not name; a list, as pydantic takes no settings for a
    TypedDict alone.
    """
    return TypeAdapter(list[kind], config=STRICT)


CHAT_MESSAGES = adapter(ChatCompletionMessageParam)
CHAT_TOOLS = adapter(ChatCompletionToolUnionParam)
CHAT_CHOICES = adapter(ChatCompletionToolChoiceOptionParam)
FUNCTIONS = adapter(Function)
FUNCTION_CALLS = adapter(str | ChatCompletionFunctionCallOptionParam)
RESPONSE_ITEMS = adapter(ResponseInputItemParam)
RESPONSE_TOOLS = adapter(ToolParam)
RESPONSE_CHOICES = adapter(ToolChoice)


def complaints(types: TypeAdapter[Any], values: Iterable[Any]) -> list[str]:
    """
    What is wrong with these values; nothing if they can be sent.
    """
    try:
        _exhausted(types.validate_python(list(values)))
    except ValidationError as error:
        return [f"{each['loc']}: {each['msg']}" for each in error.errors()]
    return []


def _exhausted(value: Any) -> None:
    """
    An Iterable is not looked at before it is read.
    """
    if isinstance(value, dict):
        value = value.values()
    if not isinstance(value, str) and (isinstance(value, Iterator) or hasattr(value, "__iter__")):
        for each in value:
            _exhausted(each)
