"""
How an Anthropic message ended, and what it took.  Pure.

Source: `stop_reason.py`, `usage.py`, `message_delta_usage.py`, `refusal_stop_details.py` of the
`anthropic` package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.pieces import count, short
from toolcell_client.formats.turns import Problem, Stop, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

STOPS = {
    "end_turn": Stop.END,
    "stop_sequence": Stop.END,
    "tool_use": Stop.CALLS,
    "max_tokens": Stop.LENGTH,
    "model_context_window_exceeded": Stop.LENGTH,
    "pause_turn": Stop.PAUSED,
    "refusal": Stop.REFUSED,
}
# Reasons after which the last block is whole.  A stop sequence may stand inside an input, and a
# word that this client does not know may mean anything.
CUT_NOTHING = frozenset({"end_turn", "tool_use", "pause_turn"})


class Ending:
    """
    What a message says besides its content.  In a stream it comes bit by bit: usage is cumulative,
    and a field that is missing or null leaves what was said before.
    """

    def __init__(self) -> None:
        self.model = self._stopped_by = self._explanation = ""
        self._failed = False
        self._usage: dict[str, Any] = {}

    def add(self, told: Mapping[str, Any], usage: object) -> None:
        """
        Take a message, or the delta of one, and its usage.
        """
        self._stopped_by = short(told.get("stop_reason")) or self._stopped_by
        self.model = short(told.get("model")) or self.model
        details = told.get("stop_details")
        if isinstance(details, dict):
            self._explanation = short(details.get("explanation")) or self._explanation
        if isinstance(usage, dict):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def fail(self, error: object) -> None:
        """
        The provider broke off; the error is of an `error` event.
        """
        self._failed = True
        if isinstance(error, dict):
            said = short(error.get("message")) or short(error.get("type"))
            self._explanation = said or self._explanation

    @property
    def stop(self) -> Stop:
        return Stop.FAILED if self._failed else STOPS.get(self._stopped_by, Stop.UNKNOWN)

    @property
    def cut_nothing(self) -> bool:
        return self._stopped_by in CUT_NOTHING and not self._failed

    @property
    def reason(self) -> str:
        """
        The provider's words for a stop that is none of the model's.
        """
        if self.stop in {Stop.REFUSED, Stop.FAILED, Stop.UNKNOWN}:
            return self._explanation or self._stopped_by
        return ""

    @property
    def problem(self) -> Problem:
        """
        What is wrong with a call that is not whole.
        """
        return Problem.CANCELLED if self.stop is Stop.REFUSED else Problem.TRUNCATED

    @property
    def tokens(self) -> Tokens:
        """
        The provider counts what it read from the cache, and wrote to it, apart from its input.
        """
        cached = count(self._usage.get("cache_read_input_tokens"))
        written = count(self._usage.get("cache_creation_input_tokens"))
        details = self._usage.get("output_tokens_details")
        thinking = details.get("thinking_tokens") if isinstance(details, dict) else 0
        return Tokens(
            input=count(self._usage.get("input_tokens")) + cached + written,
            output=count(self._usage.get("output_tokens")),
            cached=cached,
            cache_written=written,
            reasoning=count(thinking),
        )
