"""
How a Gemini response ended, and what it took.  Pure.

Source: `FinishReason`, `BlockedReason`, `GenerateContentResponsePromptFeedback` and
`GenerateContentResponseUsageMetadata` of `google/genai/types.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.pieces import count, short
from toolcell_client.formats.turns import Problem, Stop, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSING = (
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    *("ESCALATION", "MODEL_ARMOR", "PUP_LIMITED_DISABLED"),
)
# The model called, but so badly that the provider has no call to show.
BAD_CALLS = {
    "MALFORMED_FUNCTION_CALL": Problem.MALFORMED,
    "UNEXPECTED_TOOL_CALL": Problem.UNKNOWN_TOOL,
}
FAILING = (
    *("MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE", "TOO_MANY_TOOL_CALLS", "OTHER"),
    *("IMAGE_OTHER", "NO_IMAGE"),
)
STOPS = {
    "STOP": Stop.END,
    "MAX_TOKENS": Stop.LENGTH,
    "CONTINUATION": Stop.PAUSED,
    **dict.fromkeys(REFUSING, Stop.REFUSED),
    **dict.fromkeys(FAILING, Stop.FAILED),
    **dict.fromkeys(BAD_CALLS, Stop.CALLS),
}
# Reasons after which the last part is whole.
CUT_NOTHING = frozenset({"STOP", "UNEXPECTED_TOOL_CALL"})


class Ending:
    """
    What a response says besides its parts.  In a stream every chunk may say some of it, and the
    last word counts.
    """

    def __init__(self) -> None:
        self.finish = self.model = self.response_id = self.message = ""
        self._blocked = ""
        self._failed = False
        self._usage: dict[str, Any] = {}

    def add(self, response: Mapping[str, Any], candidate: Mapping[str, Any]) -> None:
        """
        Take a response, or a chunk of one, and the candidate that is read.
        """
        self.finish = short(candidate.get("finishReason")) or self.finish
        self.message = short(candidate.get("finishMessage")) or self.message
        self.model = short(response.get("modelVersion")) or self.model
        self.response_id = short(response.get("responseId")) or self.response_id
        self._judge(response.get("promptFeedback"), response.get("error"))
        if isinstance(usage := response.get("usageMetadata"), dict):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _judge(self, feedback: object, error: object) -> None:
        if isinstance(feedback, dict) and feedback.get("blockReason"):
            self._blocked = short(feedback["blockReason"])
            self.message = short(feedback.get("blockReasonMessage")) or self.message
        if isinstance(error, dict):
            self._failed = True
            self.message = short(error.get("message")) or self.message

    @property
    def stop(self) -> Stop:
        if self._failed or self._blocked:
            return Stop.FAILED if self._failed else Stop.REFUSED
        return STOPS.get(self.finish, Stop.UNKNOWN)

    @property
    def cut_nothing(self) -> bool:
        return self.finish in CUT_NOTHING and not self._failed and not self._blocked

    @property
    def problem(self) -> Problem:
        """
        What is wrong with a call that is not whole.
        """
        return Problem.CANCELLED if self.stop is Stop.REFUSED else Problem.TRUNCATED

    @property
    def reason(self) -> str:
        """
        The provider's words for a stop that is none of the model's.
        """
        if self.stop in {Stop.REFUSED, Stop.FAILED, Stop.UNKNOWN}:
            return self.message or self._blocked or self.finish
        return ""

    @property
    def tokens(self) -> Tokens:
        """
        The prompt has the cached ones in it; results of the provider's own tools, and thoughts, are
        counted apart.
        """
        thoughts = count(self._usage.get("thoughtsTokenCount"))
        prompt = count(self._usage.get("promptTokenCount"))
        return Tokens(
            input=prompt + count(self._usage.get("toolUsePromptTokenCount")),
            output=count(self._usage.get("candidatesTokenCount")) + thoughts,
            cached=count(self._usage.get("cachedContentTokenCount")),
            reasoning=thoughts,
        )
