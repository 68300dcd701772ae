"""
Reads the input items of a response, as strictly as OpenAI does.  Pure.

Theory of operation.  The input is the history of `previous_response_id`, if there is one, and what
the client sends.  Over all of it: each function call has one output after it, each output has a
call before it, and a call that came with a reasoning item goes back with it, right before what
followed it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.openai_words import invalid, text_of, too_long, typed
from toolcell_client.testing.providers.view import Answered, Called, Said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_client.testing.providers.view import Entry

ROLES = ("user", "assistant", "system", "developer")
MAX_CALL_ID = 64
# Those of the item types in the openai package.
CALL_FIELDS = {"arguments", "async", "call_id", "caller", "id", "name", "namespace", "status"}
ITEM_FIELDS = {
    "message": {"content", "id", "phase", "role", "status"},
    "function_call": CALL_FIELDS,
    "custom_tool_call": CALL_FIELDS - {"arguments"} | {"input"},
    "function_call_output": {"call_id", "caller", "id", "name", "namespace", "output", "status"},
    "custom_tool_call_output": {"call_id", "caller", "id", "name", "namespace", "output", "status"},
    "reasoning": {"content", "encrypted_content", "id", "status", "summary"},
    "item_reference": {"id"},
}
TEXTS = ("input_text", "output_text", "text", "refusal")


@dataclass
class Kept:
    """
    What the server remembers: histories by the id of a response, and which reasoning item an item
    came with.  `stored` are the items of responses that were stored, by their ids.
    """

    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    reasoning: dict[str, str] = field(default_factory=dict)
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Items:
    """
    What was read so far.
    """

    instructions: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)  # names by call ids
    open: dict[str, str] = field(default_factory=dict)


def read_items(items: Sequence[Any], kept: Kept) -> Items:
    """
    Raises:
        Refused: OpenAI would not take them.
    """
    read = Items()
    for at, item in enumerate(items):
        where = f"input[{at}]"
        kind = typed(item, dict, where).get("type", "message")
        if kind not in ITEM_FIELDS:
            supported = ", ".join(map(repr, ITEM_FIELDS))
            raise invalid(
                f"Invalid value: '{kind}'. Supported values are: {supported}.", f"{where}.type"
            )
        words.only(item, frozenset(ITEM_FIELDS[kind] | {"type"}), where)
        if kind == "item_reference":
            kind, item = _referred(item, kept, where)  # noqa: PLW2901  # stands for the other
        _read(read, kind, item, where)
    if read.open:
        raise invalid(f"No tool output found for function call {next(iter(read.open))}.", "input")
    _check_reasoning(items, kept)
    return read


def _read(read: Items, kind: str, item: Mapping[str, Any], where: str) -> None:
    if kind == "message":
        _read_message(read, item, where)
    elif kind in ("function_call", "custom_tool_call"):
        _read_call(read, item, where, "arguments" if kind == "function_call" else "input")
    elif kind in ("function_call_output", "custom_tool_call_output"):
        _read_output(read, item, where)
    else:
        words.field(item, "id", str, where)
        words.field(item, "summary", list, where)


def _read_message(read: Items, item: Mapping[str, Any], where: str) -> None:
    role = words.field(item, "role", str, where)
    if role not in ROLES:
        supported = ", ".join(map(repr, ROLES))
        raise invalid(
            f"Invalid value: '{role}'. Supported values are: {supported}.", f"{where}.role"
        )
    if item.get("content") is None:
        raise words.missing(f"{where}.content")
    text = text_of(item["content"], f"{where}.content", TEXTS)
    if role in ("user", "assistant"):
        read.entries.append(Said(role, text))
    else:
        read.instructions.append(text)


def _read_call(read: Items, item: Mapping[str, Any], where: str, written: str) -> None:
    call_id = _call_id(item, where)
    name = words.field(item, "name", str, where)
    arguments = words.field(item, written, str, where)
    item_id = item.get("id")
    prefix = "fc" if written == "arguments" else "ctc"
    if item_id is not None and not typed(item_id, str, f"{where}.id").startswith(prefix):
        raise invalid(
            f"Invalid '{where}.id': '{item_id}'. Expected an ID that begins with '{prefix}'.",
            f"{where}.id",
        )
    if call_id in read.calls:
        raise invalid(f"Duplicate function call with call_id {call_id}.", "input")
    read.calls[call_id] = read.open[call_id] = name
    read.entries.append(Called(name, arguments, call_id))


def _read_output(read: Items, item: Mapping[str, Any], where: str) -> None:
    call_id = _call_id(item, where)
    if "output" not in item:
        raise words.missing(f"{where}.output")
    text = text_of(item["output"], f"{where}.output", TEXTS)
    if call_id not in read.open:
        raise invalid(
            f"No tool call found for function call output with call_id {call_id}.", "input"
        )
    read.entries.append(Answered(read.open.pop(call_id), text, call_id))


def _call_id(item: Mapping[str, Any], where: str) -> str:
    call_id: str = words.field(item, "call_id", str, where)
    if len(call_id) > MAX_CALL_ID:
        raise too_long(f"{where}.call_id", MAX_CALL_ID, len(call_id))
    return call_id


def _referred(item: Mapping[str, Any], kept: Kept, where: str) -> tuple[str, dict[str, Any]]:
    found = kept.stored.get(words.field(item, "id", str, where))
    if found is None:
        raise invalid(f"Item with id '{item['id']}' not found.", "input")
    return found["type"], found


def _check_reasoning(items: Sequence[Mapping[str, Any]], kept: Kept) -> None:
    ids = {item["id"] for item in items if item.get("id")}
    for at, item in enumerate(items):
        needed = kept.reasoning.get(item.get("id") or "")
        if needed and needed not in ids:
            raise invalid(
                f"Item '{item['id']}' of type '{item['type']}' was provided without its required"
                f" 'reasoning' item: '{needed}'.",
                "input",
            )
        if item.get("type") != "reasoning":
            continue
        if not item.get("encrypted_content") and item["id"] not in kept.stored:
            raise invalid(
                f"Item with id '{item['id']}' not found. Items are not persisted when `store` is"
                " set to false. Try again with `store` set to true, or remove this item from your"
                " input.",
                "input",
            )
        follows = items[at + 1].get("type", "message") if at + 1 < len(items) else ""
        if follows not in ("message", "function_call", "custom_tool_call", "item_reference"):
            raise invalid(
                f"Item '{item['id']}' of type 'reasoning' was provided without its required"
                " following item.",
                "input",
            )
