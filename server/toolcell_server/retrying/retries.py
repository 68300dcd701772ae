"""
Whether and when an attempt is followed by another.  Pure: chance is passed in.

Theory of operation.  Tried again is what changed nothing (`read_only`, enforced by its cell) or
what may happen twice (`idempotent`, its author's word), and only after an ending that time may
mend: we lost the attempt (`lost`), or the tool says that its trouble passes (`temporary`).  What
cannot be built will not be a moment later, and what may have been committed is not done again.

A tool that only reads and says nothing of retries is run once more, at once, when its zygote or its
cell died under it; so is one at a host, also if it is idempotent, when its host is gone.  That one
belongs to us and not to the tool, and costs no budget: when a zygote dies, all that run in it end
at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.effects import READ_ONLY
from toolcell_server.manifest import Retry

if TYPE_CHECKING:
    from toolcell_server.tool import Tool

# A wall that cannot be built fails again, and an error of the server's own is to be reported.
_LOST: Final = frozenset(
    {pb.LOST_REASON_ZYGOTE_DIED, pb.LOST_REASON_CELL_DIED, pb.LOST_REASON_HOST_GONE}
)
USUAL: Final = Retry(attempts=2, on=("lost",), initial_seconds=0.0)


def policy_of(tool: Tool) -> Retry | None:
    """
    How the tool is tried again; None: never.
    """
    reads = tool.effects == READ_ONLY
    if tool.retry.attempts > 1:
        return tool.retry if reads or tool.idempotent else None
    return USUAL if reads or (tool.hosted and tool.idempotent) else None


def cause(outcome: pb.Outcome) -> str:
    """
    `lost` or `temporary`, as a manifest names it; empty: time mends nothing.
    """
    match outcome.WhichOneof("kind"):
        case "lost" if outcome.lost.reason in _LOST:
            return "lost"
        case "failed" if outcome.retryable or outcome.category == pb.ERROR_CATEGORY_TEMPORARY:
            return "temporary"
    return ""


def is_free(cause: str, attempt: int) -> bool:
    """
    Whether it is the one that costs no budget.
    """
    return cause == "lost" and attempt == 1


def delay_seconds(policy: Retry, attempt: int, chance: float) -> float:
    """
    How long to wait after that attempt, counted from 1; `chance` is from 0 to 1 (gRFC A6).
    """
    grown = policy.initial_seconds * policy.multiplier ** (attempt - 1)
    return min(grown, policy.maximum_seconds) * (1 + policy.jitter * (2 * chance - 1))
