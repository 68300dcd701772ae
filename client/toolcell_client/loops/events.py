"""
What happens while one turn is executed, as values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_client.formats.turns import Answer, ToolCall
    from toolcell_client.loops.approving import PendingCall
    from toolcell_client.loops.turn_result import TurnResult


@dataclass(frozen=True, slots=True)
class TextDelta:
    """
    A piece of what the model says.
    """

    text: str


@dataclass(frozen=True, slots=True)
class CallReady:
    """
    A call is whole.  With a `problem` it will be answered, not executed.
    """

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ExecutionEvent:
    """
    An event of the execution of a call; the chunks of a large result are left out.
    """

    call: ToolCall
    event: pb.ExecuteResponse

    @property
    def kind(self) -> str:
        """
        "accepted", "started", "output", "progress", "partial", "denied", "heartbeat", "finished", …
        """
        return self.event.WhichOneof("event") or "unknown"


@dataclass(frozen=True, slots=True)
class Answered:
    """
    What the model will be told about a call.
    """

    call: ToolCall
    answer: Answer


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    A call that is not executed for now: nobody has said yes yet, or `auto_execute` is off.
    """

    call: ToolCall
    pending: PendingCall


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """
    Always the last.
    """

    result: TurnResult


TurnEvent = TextDelta | CallReady | ExecutionEvent | Answered | Waiting | TurnEnded
