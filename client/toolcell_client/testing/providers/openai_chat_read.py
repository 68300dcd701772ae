"""
Reads the messages of a chat completion, as strictly as OpenAI does.  Pure.

Theory of operation.  Messages are read in order.  `_Open` has the ids of the calls that wait for an
answer; it has to be empty before anything but an answer comes, and at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.openai_words import invalid, text_of, typed
from toolcell_client.testing.providers.view import Answered, Called, Said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.testing.providers.view import Entry

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_MESSAGE_FIELDS = """
role content name tool_calls tool_call_id function_call refusal audio annotations
"""
MESSAGE_FIELDS = frozenset(_MESSAGE_FIELDS.split())
CALL_FIELDS = frozenset({"id", "type", "function", "custom"})


@dataclass
class Messages:
    """
    What was read so far.
    """

    instructions: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    open: dict[str, str] = field(default_factory=dict)  # names of the calls, by their ids
    functions: list[str] = field(default_factory=list)  # legacy calls, which have no ids


def read_messages(messages: list[Any]) -> Messages:
    """
    Raises:
        Refused: OpenAI would not take them.
    """
    if not messages:
        raise invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an"
            " empty array instead.",
            "messages",
            "empty_array",
        )
    read = Messages()
    for at, message in enumerate(messages):
        _read(read, typed(message, dict, f"messages[{at}]"), at)
    _check_answered(read, len(messages))
    return read


def _read(read: Messages, message: Mapping[str, Any], at: int) -> None:
    where = f"messages[{at}]"
    role = words.field(message, "role", str, where)
    if role not in ROLES:
        supported = ", ".join(map(repr, ROLES))
        raise invalid(
            f"Invalid value: '{role}'. Supported values are: {supported}.", f"{where}.role"
        )
    words.only(message, MESSAGE_FIELDS, where)
    if role == "tool":
        _read_answer(read, message, at)
        return
    _check_answered(read, at)
    if role == "assistant":
        _read_assistant(read, message, where)
    elif role == "function":
        _read_function_answer(read, message, where)
    else:
        text = text_of(_content(message, where), f"{where}.content")
        if role == "user":
            read.entries.append(Said("user", text))
        else:
            read.instructions.append(text)


def _check_answered(read: Messages, at: int) -> None:
    if read.open:
        ids = ", ".join(read.open)
        raise invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to"
            " each 'tool_call_id'. The following tool_call_ids did not have response messages:"
            f" {ids}",
            f"messages.[{at}].role",
            "",
        )


def _read_answer(read: Messages, message: Mapping[str, Any], at: int) -> None:
    where = f"messages[{at}]"
    call_id = words.field(message, "tool_call_id", str, where)
    text = text_of(_content(message, where), f"{where}.content")
    if call_id not in read.open:
        if read.open or (read.entries and isinstance(read.entries[-1], Answered)):
            raise invalid(
                f"Invalid parameter: 'tool_call_id' of '{call_id}' not found in 'tool_calls' of"
                " previous message.",
                f"messages.[{at}].tool_call_id",
                "",
            )
        raise invalid(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding"
            " message with 'tool_calls'.",
            f"messages.[{at}].role",
            "",
        )
    read.entries.append(Answered(read.open.pop(call_id), text, call_id))


def _read_assistant(read: Messages, message: Mapping[str, Any], where: str) -> None:
    content, calls = message.get("content"), message.get("tool_calls")
    function = message.get("function_call")
    if content is None and calls is None and function is None and not message.get("refusal"):
        raise invalid(
            f"Invalid value for 'content': expected a string, got null. ({where}.content)",
            f"{where}.content",
            "",
        )
    if text := text_of(content or "", f"{where}.content", ("text", "refusal")):
        read.entries.append(Said("assistant", text))
    if calls is not None:
        _read_calls(read, calls, f"{where}.tool_calls")
    if function is not None:
        name = words.field(function, "name", str, f"{where}.function_call")
        arguments = words.field(function, "arguments", str, f"{where}.function_call")
        read.entries.append(Called(name, arguments))
        read.functions.append(name)


def _read_calls(read: Messages, calls: Any, where: str) -> None:
    if not typed(calls, list, where):
        raise invalid(
            f"Invalid '{where}': empty array. Expected an array with minimum length 1, but got an"
            " empty array instead.",
            where,
            "empty_array",
        )
    for at, call in enumerate(calls):
        here = f"{where}[{at}]"
        words.only(typed(call, dict, here), CALL_FIELDS, here)
        call_id = words.field(call, "id", str, here)
        kind = words.field(call, "type", str, here)
        called = words.field(call, kind, dict, here)
        name = words.field(called, "name", str, f"{here}.{kind}")
        written = "arguments" if kind == "function" else "input"
        arguments = words.field(called, written, str, f"{here}.{kind}")
        if call_id in read.open:
            raise invalid(f"Duplicate value for 'tool_call_id' of '{call_id}'.", f"{here}.id")
        read.open[call_id] = name
        read.entries.append(Called(name, arguments, call_id))


def _read_function_answer(read: Messages, message: Mapping[str, Any], where: str) -> None:
    name = words.field(message, "name", str, where)
    text = words.field(message, "content", str, where)
    if name not in read.functions:
        raise invalid(f"No function was called '{name}' before.", f"{where}.name")
    read.entries.append(Answered(name, text))


def _content(message: Mapping[str, Any], where: str) -> Any:
    if message.get("content") is None:
        raise words.missing(f"{where}.content")
    return message["content"]
