"""
What a response of OpenAI says that it took.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.formats.pieces import count
from toolcell_client.formats.turns import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def tokens(usage: Mapping[str, Any], read: str, written: str) -> Tokens:
    """
    What `usage` says; `read` and `written` are the words that it has for input and output.
    """
    reading, writing = (
        each if isinstance(each := usage.get(f"{word}_tokens_details"), dict) else {}
        for word in (read, written)
    )
    return Tokens(
        input=count(usage.get(f"{read}_tokens")),
        output=count(usage.get(f"{written}_tokens")),
        cached=count(reading.get("cached_tokens")),
        cache_written=count(reading.get("cache_write_tokens")),
        reasoning=count(writing.get("reasoning_tokens")),
    )
