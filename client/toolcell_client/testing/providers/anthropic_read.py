"""
Reads the messages of Anthropic's API, as strictly as it does.  Pure.

Theory of operation.  Messages of one role in a row are one turn, as the API merges them.  A turn of
the assistant that has `tool_use` blocks needs a turn of the user right after it, which begins with
the `tool_result` blocks of exactly those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import anthropic_words as words
from toolcell_client.testing.providers.anthropic_words import invalid, only, typed
from toolcell_client.testing.providers.turns import written
from toolcell_client.testing.providers.view import Answered, Called, Said

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from toolcell_client.testing.providers.view import Entry

ID = re.compile(r"[a-zA-Z0-9_-]+")
SIGNATURE = "c2lnbmVkIGxvY2FsbHk="  # what this server signs thoughts with
CACHE = {"cache_control"}
BLOCK_FIELDS = {
    "text": CACHE | {"type", "text", "citations"},
    "tool_use": CACHE | {"type", "id", "name", "input", "caller", "toolset_name"},
    "tool_result": CACHE | {"type", "tool_use_id", "content", "is_error", "toolset_name"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "image": CACHE | {"type", "source"},
    "document": CACHE | {"type", "source", "title", "context", "citations"},
    "search_result": CACHE | {"type", "source", "title", "content", "citations"},
    "tool_reference": CACHE | {"type", "tool_name"},
}


@dataclass
class Messages:
    """
    What was read so far; `names` of all calls by their ids, `waiting` are those of the turn before.
    """

    entries: list[Entry] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    tools_used: bool = False


def read_messages(messages: list[Any]) -> Messages:
    """
    Raises:
        Refused: Anthropic would not take them.
    """
    if not messages:
        raise invalid("messages", "at least one message is required")
    read = Messages()
    last = ""
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        only(typed(message, dict, where), frozenset({"role", "content"}), where)
        role = words.field(message, "role", str, where)
        if role not in ("user", "assistant", "system"):
            raise invalid(f"{where}.role", "Input should be 'user', 'assistant' or 'system'")
        if at == 0 and role != "user":
            raise invalid("messages", 'first message must use the "user" role')
        blocks = _blocks(message, where, may_be_empty=at == len(messages) - 1)
        if role == "system":
            _check_answered(read, at - 1)
            read.entries += [Said("system", each["text"]) for each in blocks]
        elif role == "user":
            _read_user(read, blocks, where, at, follows=last == "assistant")
        else:
            _check_answered(read, at - 1)
            _read_assistant(read, blocks, where)
        last = role
    _check_answered(read, len(messages) - 1)
    return read


def _blocks(message: Mapping[str, Any], where: str, *, may_be_empty: bool) -> list[dict[str, Any]]:
    if "content" not in message:
        raise invalid(f"{where}.content", "Field required")
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    if not typed(content, list, f"{where}.content") and not (
        may_be_empty and message["role"] == "assistant"
    ):
        raise invalid(where, "all messages must have non-empty content")
    for at, block in enumerate(content):
        check_block(block, f"{where}.content.{at}")
    return list(content)


def check_block(block: Any, where: str, kinds: Collection[str] = tuple(BLOCK_FIELDS)) -> str:
    """
    Its type, if it is a block as the API knows it.
    """
    kind: str = words.field(typed(block, dict, where), "type", str, where)
    if kind not in kinds:
        tags = ", ".join(f"'{each}'" for each in kinds)
        raise invalid(
            where,
            f"Input tag '{kind}' found using 'type' does not match any of the expected"
            f" tags: {tags}",
        )
    only(block, frozenset(BLOCK_FIELDS[kind]), f"{where}.{kind}")
    if kind == "text" and not words.field(block, "text", str, f"{where}.text"):
        raise invalid("messages", "text content blocks must be non-empty")
    return kind


def _read_user(
    read: Messages, blocks: list[dict[str, Any]], where: str, at: int, *, follows: bool
) -> None:
    results_first = True
    for number, block in enumerate(blocks):
        here = f"{where}.content.{number}"
        if block["type"] != "tool_result":
            results_first = False
            if read.waiting:
                _check_answered(read, at - 1)
            if block["type"] == "text":
                read.entries.append(Said("user", block["text"]))
            elif block["type"] in ("tool_use", "thinking", "redacted_thinking"):
                raise invalid(here, f"`{block['type']}` blocks can only be in `assistant` messages")
            continue
        call_id = words.field(block, "tool_use_id", str, f"{here}.tool_result")
        if call_id not in read.waiting or not results_first or not follows:
            raise invalid(
                here,
                f"unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. Each"
                " `tool_result` block must have a corresponding `tool_use` block in the previous"
                " message.",
            )
        read.waiting.remove(call_id)
        text = _result_text(block, f"{here}.tool_result")
        failed = typed(block.get("is_error") or False, bool, f"{here}.tool_result.is_error")
        read.entries.append(Answered(read.names[call_id], text, call_id, failed))
        read.tools_used = True
    _check_answered(read, at - 1)


def _read_assistant(read: Messages, blocks: list[dict[str, Any]], where: str) -> None:
    for number, block in enumerate(blocks):
        here = f"{where}.content.{number}"
        kind = block["type"]
        if kind == "text":
            read.entries.append(Said("assistant", block["text"]))
        elif kind == "thinking":
            if words.field(block, "signature", str, f"{here}.thinking") != SIGNATURE:
                raise invalid(here, "Invalid `signature` in `thinking` block")
        elif kind == "tool_use":
            _read_call(read, block, here)
        elif kind == "tool_result":
            raise invalid(here, "`tool_result` blocks can only be in `user` messages")


def _read_call(read: Messages, block: Mapping[str, Any], here: str) -> None:
    call_id = words.field(block, "id", str, f"{here}.tool_use")
    if not ID.fullmatch(call_id):
        raise invalid(f"{here}.tool_use.id", "String should match pattern '^[a-zA-Z0-9_-]+$'")
    if call_id in read.names:
        raise invalid(here, "`tool_use` ids must be unique")
    name = words.field(block, "name", str, f"{here}.tool_use")
    value = words.field(block, "input", dict, f"{here}.tool_use")
    read.names[call_id] = name
    read.waiting.append(call_id)
    read.entries.append(Called(name, written(value), call_id))
    read.tools_used = True


def _check_answered(read: Messages, at: int) -> None:
    if read.waiting:
        raise invalid(
            f"messages.{at}",
            "`tool_use` ids were found without `tool_result` blocks immediately after:"
            f" {', '.join(read.waiting)}. Each `tool_use` block must have a corresponding"
            " `tool_result` block in the next message.",
        )


def _result_text(block: Mapping[str, Any], where: str) -> str:
    content = block.get("content", "")
    if isinstance(content, str):
        return content
    texts = []
    for at, part in enumerate(typed(content, list, f"{where}.content")):
        allowed = ("text", "image", "document", "search_result", "tool_reference")
        if check_block(part, f"{where}.content.{at}", allowed) == "text":
            texts.append(part["text"])
    return "".join(texts)
