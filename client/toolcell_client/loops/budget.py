"""
How much a conversation may take, and whether it has.  Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_client.usage.ledger import Usage
    from toolcell_client.usage.prices import Amount

STEPS = 20  # arbitrary; enough for a long task, and an end for a model that turns in circles
REPEATS = 3  # arbitrary; a call that fails the same way three times fails a fourth time


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """
    What may be taken.  None is no bound.

    `steps` (requests to the model) and `seconds` are for each message of the user: they end a model
    that turns in circles.  `tokens` (input and output) and `cost` (in the currency of the prices)
    are for the whole conversation: they bound what it takes.  `repeats`: so many failures of the
    same call in the same way end the message.  Spending is known after it is spent: the last
    request may exceed tokens and cost by what it takes itself.

    Raises:
        ValueError: a bound is not positive.
    """

    steps: int | None = STEPS
    seconds: float | None = None
    tokens: int | None = None
    cost: Amount | None = None
    repeats: int | None = REPEATS

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(float(value)) and float(value) > 0):
                raise ValueError(f"budget: {name} must be positive, or None for no bound")
        if self.cost is not None:
            object.__setattr__(self, "cost", Decimal(str(self.cost)))

    def used_up(self, steps: int, seconds: float, usage: Usage) -> str:
        """
        The first part of the budget that is used up; "": none.  A cost that is not known is more
        than any budget, and so are tokens that the provider did not report.
        """
        if self.cost is not None and (usage.cost is None or usage.cost >= Decimal(self.cost)):
            return "cost"
        if self.tokens is not None and (usage.unreported or usage.total_tokens >= self.tokens):
            return "tokens"
        if self.seconds is not None and seconds >= self.seconds:
            return "seconds"
        if self.steps is not None and steps >= self.steps:
            return "steps"
        return ""

    def last_step(self, steps: int) -> bool:
        """
        Whether the step after these is the last.
        """
        return self.steps is not None and steps + 1 >= self.steps

    def timeout(self, seconds: float, given: float | None) -> float | None:
        """
        The timeout of a call after these seconds: the given one, or what is left if that is less.
        """
        if self.seconds is None:
            return given
        left = max(self.seconds - seconds, MINIMUM_SECONDS)
        return left if given is None else min(given, left)


MINIMUM_SECONDS = 0.001  # a timeout of zero would mean none
