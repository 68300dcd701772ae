"""
Errors of a call that the server refused: nothing ran.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_client.unanswered import ToolcellError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc


@dataclass(frozen=True, slots=True)
class Violation:
    """
    One field that is wrong, and what it must be.
    """

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Quota:
    """
    One quota that the call exceeds: whose (`principal:alice`), and what it allows, for people.
    """

    subject: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """
    What the server said when it refused; see google.rpc.Status and ErrorInfo.

    `retry_delay` is in seconds; None: never said.  `category` is "user", "temporary", "permanent"
    or "unknown".
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a token
    violations: tuple[Violation, ...] = ()
    quotas: tuple[Quota, ...] = ()
    retry_delay: float | None = None
    category: str = "unknown"
    retryable: bool = False
    hint: str = ""
    spoken: str = ""


class CallRefused(ToolcellError):  # noqa: N818  # names what happened
    """
    Raised when the server refused the call: nothing ran.  The attributes are those of `Refusal`.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.code = refusal.code
        self.reason = refusal.reason
        self.message = refusal.message
        self.metadata = refusal.metadata
        self.violations = refusal.violations
        self.retry_delay = refusal.retry_delay
        self.category = refusal.category
        self.retryable = refusal.retryable
        self.hint = refusal.hint
        self.spoken = refusal.spoken

    def __str__(self) -> str:
        return self.message or self.reason or self.code.name

    @property
    def execution_id(self) -> str:
        """
        The execution that the refusal is about.  Empty: none.
        """
        return self.metadata.get("execution_id", "")


class InvalidCall(CallRefused):
    """
    Raised when a field of the call is malformed.  Fix and resend.
    """


class InvalidArguments(InvalidCall):
    """
    Raised when the arguments are not JSON, too large, fail the tool's schema, or look like an
    injection: see `violations`.
    """


class FieldNotSupported(InvalidCall):
    """
    Raised when a field is set on which this server does not act.
    """


class LimitAboveCeiling(InvalidCall):
    """
    Raised when the call asks for more than the tool's limit.
    """


class GrantTooWide(InvalidCall):
    """
    Raised when the call asks for a grant that the tool itself would not get.
    """


class RequestIdReused(InvalidCall):
    """
    Raised when the `request_id` belongs to an earlier call that asked for something else.
    """


class UnknownTool(CallRefused):
    """
    Raised when no tool, or no such version of it, is registered.
    """

    @property
    def close_matches(self) -> tuple[str, ...]:
        """
        Names of similar tools.
        """
        return tuple(filter(None, self.metadata.get("close_matches", "").split(",")))


class UnknownExecution(CallRefused):
    """
    Raised when no execution of that id is kept.
    """


class EventsExpired(CallRefused):
    """
    Raised when the events asked for are no longer kept.
    """

    @property
    def earliest_sequence(self) -> int:
        """
        The first event that is kept.  0: not said.
        """
        text = self.metadata.get("earliest_sequence", "")
        return int(text) if text.isascii() and text.isdigit() else 0


class NotPermitted(CallRefused):
    """
    Raised when the caller may not do this.
    """


class PathNotAllowed(NotPermitted):
    """
    Raised when a path that the call needs may not be granted.
    """


class NotAuthenticated(CallRefused):
    """
    Raised when the server wants credentials, or better ones.
    """

    def __str__(self) -> str:
        return (
            f"{super().__str__()} (give token=, token_file= or a certificate; on the command line"
            " --token-file or $TOOLCELL_TOKEN)"
        )


class NoCapacity(CallRefused):
    """
    Raised when every cell and every place in the queue is taken.  See `retry_delay`.
    """


class Draining(CallRefused):
    """
    Raised when the server is ending and takes no new calls.
    """


class OverQuota(CallRefused):
    """
    Raised when a quota or the size of a message is exceeded.
    """


class QuotaExceeded(OverQuota):
    """
    Raised when the call is one too many, or a day's budget is spent.  After `retry_delay` seconds
    there is room for one call; this client does not wait for it, its caller knows better.
    """

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """
        The quotas that the call exceeds, the one that lasts longest first.
        """
        return self.refusal.quotas


class ToolBroken(CallRefused):
    """
    Raised when the tool's code or manifest does not load.
    """


class ToolUnavailable(CallRefused):
    """
    Raised when the tool has failed too often of late, and is left alone.  See `retry_delay`.
    """


class SwitchedOff(CallRefused):
    """
    Raised when the operator switched off the tool, or something that it needs.
    """


class IsolationBelowFloor(CallRefused):
    """
    Raised when the server's cells are isolated less than the call, tool or operator demands.
    """


class ServerFault(CallRefused):
    """
    Raised when the server itself failed.  Its log repeats the error id of the message.
    """
