"""
Counts tokens: not as a provider does, but the same for the same conversation, always.  Pure.

Theory of operation.  A token is four bytes of UTF-8, the last one begun counts.  The input is the
conversation in the neutral notation of `view.py` without the ids of calls, so that a script takes
the same number of tokens whoever the provider is.  What an earlier request of the same server had
in front of it already, in whole blocks, was cached.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_client.testing.providers.turns import written
from toolcell_client.testing.providers.view import Answered, Called

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.testing.providers.turns import Turn
    from toolcell_client.testing.providers.view import Entry, View

TOKEN_BYTES = 4
BLOCK_TOKENS = 16  # arbitrary; OpenAI's are 128, after the first 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    `cached` and `cache_written` are part of `input`, `reasoning` is part of `output`.
    """

    input: int
    output: int
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


def count(text: str) -> int:
    """
    Tokens of a text.
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // TOKEN_BYTES)


def prompt(view: View) -> str:
    """
    All that a model reads, in the order in which providers cache it.
    """
    tools = [[each.name, each.description, each.parameters] for each in view.tools]
    return "\n".join(
        [
            json.dumps(tools, ensure_ascii=False),
            json.dumps(view.instructions, ensure_ascii=False),
            *(json.dumps(_words(each), ensure_ascii=False) for each in view.entries),
        ]
    )


def usage(view: View, turn: Turn, earlier: Sequence[str]) -> Usage:
    """
    Of one response; `earlier` are the prompts that came before.
    """
    read = prompt(view)
    common = max((count(_common(read, each)) for each in earlier), default=0)
    cached = common // BLOCK_TOKENS * BLOCK_TOKENS if view.cacheable else 0
    reasoning = count(turn.how.thought)
    said = count(turn.text) + sum(
        count(name) + count(written(arguments)) for name, arguments in turn.calls
    )
    return Usage(
        input=count(read),
        output=said + reasoning,
        cached=cached,
        cache_written=count(read) - cached if view.cacheable else 0,
        reasoning=reasoning,
    )


def _common(first: str, second: str) -> str:
    """
    What both begin with.
    """
    for at, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return first[:at]
    return min(first, second, key=len)


def _words(entry: Entry) -> list[str]:
    match entry:
        case Called():
            return ["call", entry.name, entry.arguments]
        case Answered():
            return ["answer", entry.name, entry.text]
        case _:
            return [entry.role, entry.text]
