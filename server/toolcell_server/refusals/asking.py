"""
Refusals where an approval cannot be asked for, or cannot be decided.
"""

from __future__ import annotations

from toolcell_server.refusals.base import CallRefused


class ApprovalSelf(CallRefused):
    """
    Raised when somebody wants to approve his own call.
    """

    code = "PERMISSION_DENIED"
    category = "permanent"
    spoken = "You cannot approve that yourself."

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"approval {approval_id} was asked for by the same principal",
            "let a different principal decide",
            metadata={"approval_id": approval_id},
        )


class ApprovalDecided(CallRefused):
    """
    Raised when an approval cannot be decided any more, or not in this way; `what` says why.
    """

    code = "FAILED_PRECONDITION"

    def __init__(self, approval_id: str, what: str, remedy: str) -> None:
        said = f"approval {approval_id} {what}"
        super().__init__(said, remedy, metadata={"approval_id": approval_id})


class TooManyApprovals(CallRefused):
    """
    Raised when a principal has as many approvals waiting as one may have, or had too many denied
    that have not expired.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "temporary"
    spoken = "Too many things wait for a yes already."

    def __init__(self, maximum: int, seconds: float) -> None:
        super().__init__(
            f"{maximum} approvals wait for an answer, or many times as many were denied of late,"
            " and a principal may have no more",
            "wait until some are decided or have expired, or deny your own",
            metadata={"maximum": str(maximum)},
            retry_delay_seconds=seconds,
        )


class ApprovalsNotKept(CallRefused):
    """
    Raised when the database of the approvals does not work: without it nothing may be let pass.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "Something went wrong on our side; try again in a moment."

    def __init__(self, retry_delay_seconds: float = 1.0) -> None:
        super().__init__(
            "the approvals can be neither read nor written",
            f"try again in {retry_delay_seconds:g} seconds; the log of the server says more",
            retry_delay_seconds=retry_delay_seconds,
        )


class PreviewFailed(CallRefused):
    """
    Raised when a call cannot be shown to anybody, because the tool did not complete when it was
    run to see what it would change.  `outcome` is the word for how it ended.
    """

    code = "FAILED_PRECONDITION"
    spoken = "That would not work."

    def __init__(self, tool: str, outcome: str) -> None:
        super().__init__(
            f"{tool} was run to see what it would change, and ended as {outcome}",
            "check the arguments; nobody was asked to approve the call",
            metadata={"outcome": outcome},
        )
