"""
What comes of one message to a conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_client.loops.events import TurnEvent
from toolcell_client.usage.ledger import Usage

if TYPE_CHECKING:
    from toolcell_client.formats.turns import ModelTurn, ToolCall
    from toolcell_client.loops.approving import Question
    from toolcell_client.loops.turn_result import Extracted


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """
    A call that waits for a yes; `key` names it for `resume`: the call's id, or "#" and its place in
    the turn where the provider gives none.  It holds no token.
    """

    key: str
    call: ToolCall
    question: Question | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    The answer to one message.

    `text` is what the model said last.  `stop_reason` is "end"; "pending": see `pending`, and go on
    with `resume`; "budget(steps)", "budget(seconds)", "budget(tokens)" or "budget(cost)": that part
    of the budget is used up; "repeating": the same call kept failing in the same way; or "length",
    "refused", "cancelled", "unknown": how the provider ended it.  Whatever it is, the conversation
    can go on.  `turns` are the model's, `usage` is what they took.
    """

    text: str
    stop_reason: str
    turns: tuple[ModelTurn, ...] = ()
    usage: Usage = field(default_factory=Usage)
    pending: tuple[Pending, ...] = ()
    extracted: tuple[Extracted, ...] = ()

    @property
    def ok(self) -> bool:
        """
        Whether the model ended by itself.
        """
        return self.stop_reason == "end"


@dataclass(frozen=True, slots=True)
class Replied:
    """
    The last event of a stream.
    """

    reply: Reply


ConversationEvent = TurnEvent | Replied
