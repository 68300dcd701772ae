"""
Puts a streamed Anthropic message together.  Pure.

Theory of operation.  The provider's events are `message_start`, then per block
`content_block_start`, `content_block_delta` and `content_block_stop`, then `message_delta` with the
reason and the usage, then `message_stop`; `ping` and `error` come anywhere.  The streams of the
`anthropic` package that accumulate (`client.messages.stream`) hand out these and, beside them,
events of their own that repeat what a delta said ("text", "input_json", …), each with all that came
so far.  Those are not read: they say nothing new, and reading each costs as much as the whole.

What the events hold is hostile; an event that fits nothing is passed over.  After `error` the
stream is over: no reason comes, so the block that was being written is half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.anthropic_content import Content
from toolcell_client.formats.anthropic_ending import Ending
from toolcell_client.formats.format import plain
from toolcell_client.formats.turns import WireTurn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.formats.turns import RawCall

READ = frozenset(
    {
        "message_start",
        "message_delta",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "error",
    }
)


class AnthropicStream:
    """
    See `Accumulator`.
    """

    def __init__(self) -> None:
        self._content = Content()
        self._ending = Ending()

    def add(self, event: Any) -> Sequence[str | RawCall]:
        if not isinstance(event, dict) and _passed_over(event):
            return ()
        told = plain(event)
        match told.get("type"):
            case "message_start" if isinstance(message := told.get("message"), dict):
                self._ending.add(message, message.get("usage"))
            case "content_block_start":
                return self._content.start(told.get("index"), told.get("content_block"))
            case "content_block_delta":
                said = self._content.grow(told.get("index"), told.get("delta"))
                return (said,) if said else ()
            case "content_block_stop":
                self._content.stop(told.get("index"))
            case "message_delta" if isinstance(delta := told.get("delta"), dict):
                self._ending.add(delta, told.get("usage"))
                return self._content.release() if self._ending.cut_nothing else ()
            case "error":
                self._ending.fail(told.get("error"))
        return ()

    def turn(self) -> WireTurn:
        return turn_of(self._content, self._ending)


def turn_of(content: Content, ending: Ending) -> WireTurn:
    """
    What content and ending say together.
    """
    return WireTurn(
        text=content.text(),
        calls=tuple(content.calls(ending.problem)),
        stop=ending.stop,
        messages=content.messages(),
        tokens=ending.tokens,
        model=ending.model,
        reason=ending.reason,
    )


def _passed_over(event: object) -> bool:
    kind = getattr(event, "type", None)
    return isinstance(kind, str) and kind not in READ and hasattr(event, "model_dump")
