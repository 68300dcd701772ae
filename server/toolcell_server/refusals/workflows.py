"""
Refusals of workflows and of their runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.refusals.base import CallRefused, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.refusals.base import FieldViolation


class WorkflowInvalid(CallRefused):
    """
    Raised when a definition cannot be run; each violation is a JSON pointer into it, and
    "CODE: message".
    """

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        count = len(violations)
        first = f": at {violations[0][0] or 'the whole'}: {violations[0][1]}" if violations else ""
        super().__init__(
            f"the workflow has {count} problem{'s' * (count != 1)}{first}",
            "correct what the violations name; `validate_only` tells all of them",
            violations=violations,
        )


class UnknownWorkflow(CallRefused):
    """
    Raised when the caller has no definition of that name or version.
    """

    code = "NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no workflow {shown(name)} is defined in that version",
            "list the workflows and use one of them",
            metadata={"workflow": name},
        )


class UnknownRun(CallRefused):
    """
    Raised when no run of that id is kept.
    """

    code = "NOT_FOUND"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"no run {shown(run_id)} of a workflow is kept",
            "check the id; runs that have ended are kept only for a while",
            metadata={"run_id": run_id},
        )


class TooManyWorkflows(CallRefused):
    """
    Raised when a principal has as many definitions, or runs that have not ended, as one may have;
    `what` says of which.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "temporary"
    spoken = "Too much of that is going on already."

    def __init__(self, what: str, maximum: int) -> None:
        super().__init__(
            f"a principal has at most {maximum} {what}",
            "wait until some have ended, or end some",
            metadata={"what": what, "maximum": str(maximum)},
            retry_delay_seconds=10.0,  # arbitrary; runs end when they end
        )


class WorkflowNotInterrupted(CallRefused):
    """
    Raised when a run is to be resumed that does not wait for a decision.
    """

    code = "FAILED_PRECONDITION"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"the run {shown(run_id)} does not wait for a decision",
            "watch it to see how it goes on, or how it ended",
            metadata={"run_id": run_id},
        )
