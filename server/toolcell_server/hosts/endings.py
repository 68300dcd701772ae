"""
The endings that only hosted tools have.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.effects import READ_ONLY

if TYPE_CHECKING:
    from toolcell.v1 import host_pb2

    from toolcell_server.limits import Limits
    from toolcell_server.tool import Tool

_CATEGORIES = {number: word for word, number in endings.CATEGORIES.items()}


def may_run_twice(tool: Tool) -> bool:
    """
    Whether a call whose host is gone may go on at another one.  That it only reads is its owner's
    word: no wall says so.
    """
    return tool.idempotent or tool.effects == READ_ONLY


def gone(tool: Tool) -> pb.Outcome:
    """
    The host went away over a call.
    """
    outcome = endings.lost(
        pb.LOST_REASON_HOST_GONE, "the host of the tool is gone; nobody can tell whether it ran"
    )
    if not may_run_twice(tool):
        outcome.category, outcome.retryable = pb.ERROR_CATEGORY_UNKNOWN, False
        outcome.hint = "It may have run; find out what it has done before you call it again."
    return outcome


def nobody() -> pb.Outcome:
    """
    When the call's turn came, or while it waited, there was no host.
    """
    return endings.lost(
        pb.LOST_REASON_HOST_GONE, "the last host of the tool is gone; nothing was run"
    )


def busy(seconds: float) -> pb.Outcome:
    """
    The call has waited as long as any may.
    """
    outcome = endings.timed_out()
    outcome.exceeded.allowed = seconds
    outcome.message = f"no host of the tool was free for {seconds:g} s; nothing was run"
    return outcome


def broke_protocol(what: str) -> pb.Outcome:
    """
    The host sent what no host of ours sends, about this call.
    """
    return endings.failed("ProtocolError", f"the tool's host broke the protocol: {what}", None)


def stopped_by_host() -> pb.Outcome:
    """
    The host has ended the tool, and nobody had asked it to.
    """
    return endings.failed("Cancelled", "the tool was cancelled at its host", None)


def told(said: host_pb2.HostToolsRequest, kind: str, limits: Limits) -> pb.Outcome:
    """
    The outcome that a host's last word tells.
    """
    if kind == "completed":
        return pb.Outcome(completed=pb.Completed())
    return failed(said.failed, limits) if kind == "failed" else stopped_by_host()


def failed(said: host_pb2.HostedFailed, limits: Limits) -> pb.Outcome:
    """
    The outcome that a host tells; every value is bounded and checked.
    """
    texts = ("message", "exception", "code", "hint", "spoken", "traceback")
    raised: dict[str, Any] = {name: getattr(said, name) for name in texts}
    raised["category"] = _CATEGORIES.get(said.category, "")
    raised["retryable"] = said.retryable
    outcome = endings.raised(raised, limits)
    outcome.message = outcome.message or "the tool failed"
    outcome.spoken = outcome.spoken or "The tool failed."
    return outcome
