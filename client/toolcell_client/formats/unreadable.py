"""
What to tell a program that gave something else than a response.  Pure.

Theory of operation.  The slips are few, and each has its own remedy: what was not awaited, a stream
where a whole response belongs, a part of a response, and a response of another provider.  A guess
is added to the error as a remedy; nothing is ever read by it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Iterator, Mapping
from typing import Any

# By a field that only this provider's responses have at the top.
FIELDS = {"choices": "openai", "output": "openai-responses", "candidates": "gemini"}
PARTS = ("message", "tool_calls", "function_call", "role", "parts", "call_id")


def remedy_of(value: object) -> str:
    """
    What to do about a value that is no mapping and no object of an SDK; "": nothing is known.
    """
    if inspect.isawaitable(value):
        return "; await it first, or ask a client that is not asynchronous"
    if is_stream(value):
        return "; this is a stream: give it with stream=True, or ask for the response without"
    if isinstance(value, str | bytes | list | tuple):
        return "; give the whole response as the provider's client returned it"
    return ""


def is_stream(value: object) -> bool:
    """
    Whether this brings events: an iterator or a stream of an SDK.
    """
    return isinstance(value, Iterator | AsyncIterable)


def remedy_of_shape(answered: Mapping[str, Any], provider: str) -> str:
    """
    What to do about a mapping that is no response of the provider; "": nothing is known.
    """
    for field, other in FIELDS.items():
        if isinstance(answered.get(field), list) and other != provider:
            return f"; it looks like one of {other}: name that provider"
    if isinstance(answered.get("content"), list) and "stop_reason" in answered:
        return "; it looks like one of anthropic: name that provider"
    if any(each in answered for each in PARTS):
        return "; it looks like a part of one: give the whole response"
    return ""
