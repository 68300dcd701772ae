"""
Items of a realtime conversation: what the client may add, and how the model reads them.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.openai_words import field, invalid, only, too_long, typed
from toolcell_client.testing.providers.view import Answered, Called, Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from toolcell_client.testing.providers.view import Entry

MAX_ID = 32
ID = re.compile(r"[a-zA-Z0-9_-]+")
COMMON = {"id", "object", "type", "status"}
FIELDS = {
    "message": COMMON | {"role", "content"},
    "function_call": COMMON | {"call_id", "name", "arguments"},
    "function_call_output": COMMON | {"call_id", "output"},
}
PARTS = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text", "output_audio"),
}


def check_item(item: Any, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """
    An item that a client adds; `known` are those of the conversation, by their ids.
    """
    kind = field(typed(item, dict, "item"), "type", str, "item")
    if kind not in FIELDS:
        supported = ", ".join(map(repr, FIELDS))
        raise invalid(f"Invalid value: '{kind}'. Supported values are: {supported}.", "item.type")
    only(item, frozenset(FIELDS[kind]), "item")
    _check_id(item.get("id"), "item.id")
    if item.get("id") in known:
        raise invalid(f"Item with id '{item['id']}' is in the conversation already.", "item.id")
    if kind == "message":
        _check_message(item)
    else:
        _check_id(field(item, "call_id", str, "item"), "item.call_id")
        if kind == "function_call":
            field(item, "name", str, "item")
            field(item, "arguments", str, "item")
        else:
            _check_output(item, known)
    return dict(item)


def _check_message(item: Mapping[str, Any]) -> None:
    role = field(item, "role", str, "item")
    if role not in PARTS:
        raise invalid(
            f"Invalid value: '{role}'. Supported values are: 'user', 'assistant', and 'system'.",
            "item.role",
        )
    for at, part in enumerate(field(item, "content", list, "item")):
        where = f"item.content[{at}]"
        kind = field(typed(part, dict, where), "type", str, where)
        if kind not in PARTS[role]:
            supported = ", ".join(map(repr, PARTS[role]))
            raise invalid(
                f"Invalid value: '{kind}'. Supported values are: {supported}.", f"{where}.type"
            )
        if kind.endswith("_text"):
            field(part, "text", str, where)


def _check_output(item: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> None:
    field(item, "output", str, "item")
    call_id = item["call_id"]
    of_call = [each for each in known.values() if each.get("call_id") == call_id]
    if not any(each["type"] == "function_call" for each in of_call):
        raise words.invalid(
            f"Tool call ID '{call_id}' not found in conversation.",
            "item.call_id",
            "invalid_tool_call_id",
        )
    if any(each["type"] == "function_call_output" for each in of_call):
        raise words.invalid(
            f"Tool call ID '{call_id}' has an output already.",
            "item.call_id",
            "invalid_tool_call_id",
        )


def _check_id(value: Any, where: str) -> None:
    if value is None:
        return
    if len(typed(value, str, where)) > MAX_ID:
        raise too_long(where, MAX_ID, len(value))
    if not ID.fullmatch(value):
        raise invalid(
            f"Invalid '{where}': string does not match pattern. Expected a string that matches the"
            " pattern '^[a-zA-Z0-9_-]+$'.",
            where,
        )


def entries(items: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """
    Items as the model reads them.
    """
    names: dict[str, str] = {}
    found: list[Entry] = []
    for item in items:
        if item["type"] == "message":
            found.append(Said(item["role"], _text(item)))
        elif item["type"] == "function_call":
            names[item["call_id"]] = item["name"]
            found.append(Called(item["name"], item["arguments"], item["call_id"]))
        else:
            name = names.get(item["call_id"], "")
            found.append(Answered(name, item["output"], item["call_id"]))
    return tuple(found)


def _text(item: Mapping[str, Any]) -> str:
    return "".join(
        part.get("text") or part.get("transcript") or "" for part in item.get("content") or ()
    )
