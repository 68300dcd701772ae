"""
What the steps of a conversation ask of the outside.

Theory of operation.  `steps` holds all decisions of a conversation as generators; they yield one of
these commands when something has to be asked or done, and are sent what came of it, or are thrown
the error.  `Conversation` and `AsyncConversation` only carry the commands out, at once or streamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.turns import WireTurn
    from toolcell_client.loops.streaming import DecidedCalls
    from toolcell_client.loops.turn_state import TurnState


@dataclass(frozen=True, slots=True)
class ListTools:
    """
    Which tools there are now.  Answered with a Toolset.
    """


@dataclass(frozen=True, slots=True)
class FindTools:
    """
    Which tools fit these words, the best first.  Answered with their names.
    """

    query: str
    most: int


@dataclass(frozen=True, slots=True)
class AskModel:
    """
    Send this request to the provider.  Answered with a WireTurn.
    """

    fields: Mapping[str, Any]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Execute:
    """
    Execute these calls.  Answered with a TurnResult.
    """

    state: TurnState
    wire: WireTurn


@dataclass(frozen=True, slots=True)
class Resume:
    """
    Go on with calls about which somebody has decided.  Answered with a TurnResult of all that were
    executed with them.
    """

    state: TurnState
    decisions: DecidedCalls


Command = ListTools | FindTools | AskModel | Execute | Resume
