"""
Refusals of calls that a person has to say yes to, and of answers to such questions.

No message holds a token.  `ApprovalRequired` carries one in its metadata, for the caller alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from toolcell_server.refusals.base import CallRefused, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

PENDING_DELAY_SECONDS: Final = 5.0  # arbitrary; people take longer, and may be quick
_ASK_AGAIN: Final = "send the call without an approval_token to ask for a new approval"
_HINTS: Final = {
    "confirm": "tell the person what the call would do, and go on only if they say yes",
    "approve": "tell the person that somebody else has to approve it, and wait",
}


class ApprovalRequired(CallRefused):
    """
    Raised when a call needs an approval and brings none.  `metadata`: `kind`, `arguments_digest`,
    and, unless the call was only to be checked, `approval_id`, `approval_token`, `expires_time`
    and `summary`.
    """

    code = "FAILED_PRECONDITION"
    spoken = "Somebody has to say yes to that first."

    def __init__(self, tool: str, kind: str, metadata: Mapping[str, str]) -> None:
        by = "a confirmation" if kind == "confirm" else "the approval of somebody else"
        super().__init__(
            f"{tool} needs {by} before it runs",
            _HINTS[kind],
            metadata={"kind": kind, **metadata},
        )

    @classmethod
    def example(cls) -> Self:
        """
        One of them, for the reference of all errors.
        """
        return cls("TOOL", "approve", {})


class ApprovalPending(CallRefused):
    """
    Raised when the approval that a call brings has not been decided yet.
    """

    code = "FAILED_PRECONDITION"
    category = "temporary"
    spoken = "Nobody has approved that yet."

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"approval {approval_id} has not been decided yet",
            "wait until somebody has decided, then send the same call again",
            metadata={"approval_id": approval_id},
            retry_delay_seconds=PENDING_DELAY_SECONDS,
        )


class ApprovalExpired(CallRefused):
    """
    Raised when the time for an approval is over.
    """

    code = "FAILED_PRECONDITION"
    spoken = "That took too long; I have to ask again."

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"approval {approval_id} has expired", _ASK_AGAIN, metadata={"approval_id": approval_id}
        )


class ApprovalReplayed(CallRefused):
    """
    Raised when another call has used the approval, or is using it.
    """

    code = "FAILED_PRECONDITION"
    spoken = "That was done already."

    def __init__(self, approval_id: str) -> None:
        super().__init__(
            f"approval {approval_id} lets one call run, and one has used it or is using it",
            _ASK_AGAIN,
            metadata={"approval_id": approval_id},
        )


class ApprovalAltered(CallRefused):
    """
    Raised when the approval is for another call than the one that brings it.  `what` says how.
    """

    code = "FAILED_PRECONDITION"
    spoken = "That is not what was agreed to."

    def __init__(self, approval_id: str, what: str) -> None:
        super().__init__(
            f"approval {approval_id} is for {what}",
            f"send exactly the call that it was given for, or {_ASK_AGAIN}",
            metadata={"approval_id": approval_id},
        )


class ApprovalDenied(CallRefused):
    """
    Raised when somebody said no; `reason` is what they said.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "The answer to that was no."

    def __init__(self, approval_id: str, reason: str) -> None:
        because = f", because {shown(reason)}" if reason else ""
        super().__init__(
            f"approval {approval_id} was denied{because}",
            "do not send the call again; find another way, or tell the person",
            metadata={"approval_id": approval_id, "denial_reason": reason},
        )


class ApprovalUnknown(CallRefused):
    """
    Raised when there is no such approval, or none that this caller may know of.
    """

    code = "NOT_FOUND"
    spoken = "I have to ask for that again."

    def __init__(self, approval_id: str = "") -> None:
        which = f"approval {shown(approval_id)}" if approval_id else "the approval_token"
        super().__init__(
            f"{which} is not known",
            "check it" if approval_id else f"check it, or {_ASK_AGAIN}",
            metadata={"approval_id": approval_id} if approval_id else {"field": "approval_token"},
        )


class ApprovalPinWrong(CallRefused):
    """
    Raised when the PIN that came with a token is wrong, or none came.  Without attempts left the
    approval is void.
    """

    code = "PERMISSION_DENIED"
    spoken = "That was not the right PIN."

    def __init__(self, approval_id: str, attempts_left: int, *, missing: bool = False) -> None:
        what = "needs a PIN, and none came with its token" if missing else "came with a wrong PIN"
        left = f"{attempts_left} attempts are left" if attempts_left else "it is void now"
        again = "ask the person for the PIN and send it as TOKEN.PIN"
        super().__init__(
            f"approval {approval_id} {what}; {left}",
            again if attempts_left else _ASK_AGAIN,
            metadata={"approval_id": approval_id, "attempts_left": str(attempts_left)},
        )


class ApprovalPinLocked(CallRefused):
    """
    Raised when too many wrong PINs came for one principal, over all its approvals.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "temporary"
    spoken = "There were too many wrong PINs; I cannot take another one now."

    def __init__(self, approval_id: str, seconds: float) -> None:
        super().__init__(
            "too many wrong PINs were sent, and no other is looked at now",
            f"try again in {seconds:.0f} seconds",
            metadata={"approval_id": approval_id},
            retry_delay_seconds=seconds,
        )
