"""
Errors of calls that a person has to say yes to: nothing ran.
"""

from __future__ import annotations

from toolcell_client.refused import CallRefused


class ApprovalRefused(CallRefused):
    """
    Raised when an approval is missing, not decided, over, for another call, or cannot be asked for;
    subclasses say which.  Without a class of its own, `reason` does.
    """

    @property
    def approval_id(self) -> str:
        """
        The approval that it is about.  Empty: none, or none that the caller may know of.
        """
        return self.metadata.get("approval_id", "")


class ApprovalRequired(ApprovalRefused):
    """
    Raised when the call needs an approval.  Ask a person, then send the same call again with
    `approval_token=error.token`.

    Keep the token from the model: with a `confirm` it is all that a second call needs.  It is in no
    text of this error.
    """

    @property
    def kind(self) -> str:
        """
        Who may say yes: "confirm", the person at the caller's side; "approve", another principal.
        """
        return self.metadata.get("kind", "")

    @property
    def token(self) -> str:
        """
        What the second call brings.  Empty: the call was only to be checked.
        """
        return self.metadata.get("approval_token", "")

    @property
    def expires(self) -> str:
        """
        Until when the call must have begun, as RFC 3339.  Empty: as for `token`.
        """
        return self.metadata.get("expires_time", "")

    @property
    def summary(self) -> str:
        """
        What the call would do, in short; `client.approvals.get` has all of it.
        """
        return self.metadata.get("summary", "")

    @property
    def arguments_digest(self) -> str:
        """
        SHA-256 of the arguments, hexadecimal.
        """
        return self.metadata.get("arguments_digest", "")


class ApprovalPending(ApprovalRefused):
    """
    Raised when the approval has not been decided yet.  See `retry_delay`.
    """


class ApprovalDenied(ApprovalRefused):
    """
    Raised when somebody said no.
    """

    @property
    def denial_reason(self) -> str:
        """
        Why, in their words.  Empty: not said.
        """
        return self.metadata.get("denial_reason", "")


class ApprovalExpired(ApprovalRefused):
    """
    Raised when the time for the approval is over.
    """


class ApprovalReplayed(ApprovalRefused):
    """
    Raised when another call has used the approval, or is using it.
    """


class ApprovalAltered(ApprovalRefused):
    """
    Raised when the approval is for a call that differs from this one.
    """


class ApprovalSelf(ApprovalRefused):
    """
    Raised when the principal that asked wants to approve.
    """


class ApprovalUnknown(ApprovalRefused):
    """
    Raised when there is no such approval or token, or none that the caller may know of.
    """


class ApprovalPinWrong(ApprovalRefused):
    """
    Raised when the PIN is wrong, or none came and one is needed.
    """

    @property
    def attempts_left(self) -> int:
        """
        How many more may be tried; 0: the approval is void.
        """
        text = self.metadata.get("attempts_left", "")
        return int(text) if text.isascii() and text.isdigit() else 0
