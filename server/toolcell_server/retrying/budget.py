"""
How much may be tried again, so that an outage does not multiply its load.  Pure.

Theory of operation.  As gRFC A6 has it: a bucket of 10 tokens, one less for each attempt that
failed, a tenth more for each call that succeeded, and no retries while it is not more than half
full.  One bucket for each caller of each tool: a caller who makes a tool fail spends his own.
https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

TOKENS: Final = 10.0
PER_SUCCESS: Final = 0.1
MAXIMUM_BUCKETS: Final = 4096  # arbitrary; the one that was used least recently is full again


class Spender(NamedTuple):
    """
    Whose bucket it is.
    """

    tool: str
    version: str
    principal: str


class RetryBudget:
    """
    The buckets that are not full.
    """

    def __init__(self) -> None:
        self._tokens: OrderedDict[Spender, float] = OrderedDict()

    def allows(self, spender: Spender) -> bool:
        return self._tokens.get(spender, TOKENS) > TOKENS / 2

    def failed(self, spender: Spender) -> None:
        self._tokens[spender] = max(0.0, self._tokens.get(spender, TOKENS) - 1)
        self._tokens.move_to_end(spender)
        if len(self._tokens) > MAXIMUM_BUCKETS:
            self._tokens.popitem(last=False)

    def succeeded(self, spender: Spender) -> None:
        if spender not in self._tokens:
            return
        self._tokens[spender] += PER_SUCCESS
        if self._tokens[spender] >= TOKENS:
            del self._tokens[spender]
