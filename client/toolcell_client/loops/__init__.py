"""
Loops with a model: executing what it called, and telling it what came of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_client.loops.approving import Approve, Deny, Later, PendingCall, Question
    from toolcell_client.loops.async_reply_stream import AsyncConversationStream
    from toolcell_client.loops.async_streaming import AsyncTurnStream
    from toolcell_client.loops.bounding import Bounds
    from toolcell_client.loops.choosing import NoSuchTools
    from toolcell_client.loops.events import (
        Answered,
        CallReady,
        ExecutionEvent,
        TextDelta,
        TurnEnded,
        Waiting,
    )
    from toolcell_client.loops.extracting import extraction_tool
    from toolcell_client.loops.kept import READ_RESULT, KeptResults
    from toolcell_client.loops.reply import Pending, Replied, Reply
    from toolcell_client.loops.reply_stream import ConversationStream
    from toolcell_client.loops.streaming import TurnStream
    from toolcell_client.loops.transcript import Transcript
    from toolcell_client.loops.turn_result import Extracted, TurnIncomplete, TurnResult

__all__ = [
    "READ_RESULT",
    "Answered",
    "Approve",
    "AsyncConversationStream",
    "AsyncTurnStream",
    "Bounds",
    "CallReady",
    "ConversationStream",
    "Deny",
    "ExecutionEvent",
    "Extracted",
    "KeptResults",
    "Later",
    "NoSuchTools",
    "Pending",
    "PendingCall",
    "Question",
    "Replied",
    "Reply",
    "TextDelta",
    "Transcript",
    "TurnEnded",
    "TurnIncomplete",
    "TurnResult",
    "TurnStream",
    "Waiting",
    "extraction_tool",
]

_MODULES = {
    **dict.fromkeys(("Approve", "Deny", "Later", "PendingCall", "Question"), "approving"),
    **dict.fromkeys(("Extracted", "TurnIncomplete", "TurnResult"), "turn_result"),
    **dict.fromkeys(("Pending", "Replied", "Reply"), "reply"),
    "AsyncConversationStream": "async_reply_stream",
    "AsyncTurnStream": "async_streaming",
    "Bounds": "bounding",
    "ConversationStream": "reply_stream",
    "KeptResults": "kept",
    "READ_RESULT": "kept",
    "NoSuchTools": "choosing",
    "Transcript": "transcript",
    "TurnStream": "streaming",
    "extraction_tool": "extracting",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # Looked up when they are first used: the process that checks arguments needs none of them.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES.get(name, 'events')}")
    return getattr(module, name)
