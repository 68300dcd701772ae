"""
Refusals of calls that are too many, or would use too much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from toolcell_server.refusals.base import CallRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TOLD: Final = 3  # of the bounds; their texts have to fit the trailers of the call
_SHORT_SECONDS: Final = 60.0  # arbitrary; nobody should wait for longer in a conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """
    One bound that has no room: whose (`principal:alice`), what the rule says, and in how many
    seconds it will have.  `limit` and `remaining` are in the unit of the kind.
    """

    subject: str
    says: str
    kind: str
    limit: str
    remaining: str
    seconds: float


class QuotaExceeded(CallRefused):
    """
    Raised when a call is one too many, or a day's budget is spent.  The delay is exact for windows,
    and when it is over, every bound that is named has room for one call.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "temporary"
    spoken = "I have done that as often as I may for now."

    def __init__(self, spent: Sequence[Spent]) -> None:
        longest = max(spent, key=lambda each: each.seconds)
        # Rounded up: who comes back a millisecond early is refused again.
        delay = math.ceil(longest.seconds * 1000) / 1000
        super().__init__(
            f"quota exceeded: {longest.says}",
            _hint(delay),
            metadata={
                "quota": longest.kind,
                "limit": longest.limit,
                "remaining": longest.remaining,
                "reset": f"{delay:.3f}",
            },
            retry_delay_seconds=delay,
        )
        first = sorted(spent, key=lambda each: each.seconds, reverse=True)[:MOST_TOLD]
        self.quotas = [(each.subject, each.says) for each in first]

    @classmethod
    def example(cls) -> Self:
        """
        One of them, for the reference of all errors.
        """
        return cls(
            [
                Spent(
                    subject="principal:NAME",
                    says="RULE: at most 5 calls per minute for each principal",
                    kind="calls",
                    limit="5",
                    remaining="0",
                    seconds=12.0,
                )
            ]
        )


class QuotasUnreliable(CallRefused):
    """
    Raised when the quotas of a day cannot be kept, so that nobody knows what is left of them.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "Something went wrong on our side; try again in a moment."

    def __init__(self, retry_delay_seconds: float = 1.0) -> None:
        super().__init__(
            "the server cannot store its quotas, and lets nobody use them unseen",
            f"try again in {retry_delay_seconds:g} seconds; the server's log says what is wrong",
            retry_delay_seconds=retry_delay_seconds,
        )


def _hint(seconds: float) -> str:
    if seconds <= _SHORT_SECONDS:
        return f"try again in {seconds:g} seconds"
    return f"do not try again for {math.ceil(seconds)} seconds; go on without it or tell the user"
