"""
What a history may hold.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def joined(
    provider: str, history: Sequence[Mapping[str, Any]], message: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """
    The history with a message of the user at its end.  Two of them in a row, as after results
    that the model has not answered, are one for Anthropic: results first, then the text.
    """
    before = [dict(each) for each in history]
    if provider == "anthropic" and before and before[-1].get("role") == "user":
        content = [*_blocks(before[-1]["content"]), *_blocks(message["content"])]
        return [*before[:-1], {**before[-1], "content": content}]
    return [*before, dict(message)]


def sendable(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """
    Those messages of a model that can be sent back: an empty one, which it may end with, is refused
    by every provider.
    """
    return [dict(each) for each in messages if not _empty(each)]


def _blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _empty(message: Mapping[str, Any]) -> bool:
    if "parts" in message:
        return not message["parts"]
    if message.get("role") != "assistant" or message.get("type", "message") != "message":
        return False
    says = ("content", "tool_calls", "function_call", "refusal", "audio")
    return not any(message.get(name) for name in says)
