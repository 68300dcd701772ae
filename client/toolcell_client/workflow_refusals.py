"""
Refusals of workflows and of their runs.
"""

from __future__ import annotations

from toolcell_client.refused import CallRefused


class InvalidWorkflow(CallRefused):
    """
    Raised when a definition cannot be run; `violations` name places in it.
    """


class UnknownWorkflow(CallRefused):
    """
    Raised when there is no definition of that name or version.
    """


class UnknownWorkflowRun(CallRefused):
    """
    Raised when no run of that id is kept.
    """


class WorkflowNotInterrupted(CallRefused):
    """
    Raised when a run is to be resumed that does not wait for a decision.
    """
