"""
Errors of an execution that ran and did not complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.unanswered import ToolcellError

if TYPE_CHECKING:
    from toolcell_client.result import Result


class ExecutionEnded(ToolcellError):  # noqa: N818  # names what happened
    """
    Raised by `Result.raise_for_outcome` when the outcome is not `completed`.
    """

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.result = result
        self.outcome = result.outcome

    def __str__(self) -> str:
        return f"{self.result.label}: {self.outcome.message}".removesuffix(": ")


class ToolFailed(ExecutionEnded):
    """
    Raised when the tool raised, exited non-zero or died by a signal.
    """


class LimitExceeded(ExecutionEnded):
    """
    Raised when a limit ended the tool.  `outcome.exceeded.limit` says which.
    """


class WallViolated(ExecutionEnded):
    """
    Raised when a wall ended the tool.
    """


class ExecutionCancelled(ExecutionEnded):
    """
    Raised when a caller, a lost stream or the server's drain ended the tool.
    """


class ExecutionLost(ExecutionEnded):
    """
    Raised when a fault of the server ended the tool.
    """
