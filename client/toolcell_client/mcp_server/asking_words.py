"""
What a model is told of a call that needs a person's yes.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.errors import (
    ApprovalDenied,
    ApprovalPending,
    ApprovalPinWrong,
    ApprovalRefused,
    ApprovalRequired,
    ToolcellError,
)
from toolcell_client.mcp_server.answering import readable, refusal

if TYPE_CHECKING:
    import mcp_types as types

    from toolcell_client.result import Result


def told(outcome: Result | ToolcellError) -> Result | ToolcellError | types.CallToolResult:
    """
    The outcome, with what only the bridge knows of what to do about it.
    """
    if isinstance(outcome, ApprovalPinWrong):
        return refusal(
            "approval_pin_needed",
            "This principal has a PIN, which an MCP client may not ask for; nothing ran.",
            "Tell the user to run the tool with `toolcell call`, which asks for the PIN.",
        )
    if isinstance(outcome, ApprovalDenied) and outcome.denial_reason:
        reason = readable(outcome.denial_reason)
        return refusal("approval_denied", str(outcome), "Do not try it again.", reason=reason)
    if isinstance(outcome, ApprovalPending):
        return _pending(outcome)
    return outcome


def declined() -> types.CallToolResult:
    """
    A person was asked, and did not say yes.
    """
    return refusal(
        "declined",
        "The user did not say yes; nothing ran.",
        "Do not call it again unless the user asks for it.",
    )


def somebody_else(required: ApprovalRequired) -> types.CallToolResult:
    """
    Another principal decides.
    """
    return refusal(
        "approval_required",
        f"Somebody else has to approve this call: {readable(required.summary)}",
        f"Tell the user that approval {required.approval_id} is waited for, until"
        f" {required.expires}; once it is given, call again with the same arguments.",
        approval_id=required.approval_id,
    )


def _pending(pending: ApprovalRefused) -> types.CallToolResult:
    return refusal(
        "approval_pending",
        "Nobody has decided about this call yet; nothing ran.",
        "Tell the user; once it is approved, call again with the same arguments.",
        approval_id=pending.approval_id,
    )


def nobody_to_ask(required: ApprovalRequired) -> types.CallToolResult:
    """
    The person at the client would decide, and the client cannot ask them.
    """
    return refusal(
        "approval_required",
        f"The user has to confirm this call: {readable(required.summary)}",
        "This MCP client cannot ask (it has no elicitation): nothing ran; tell the user to run the"
        " tool with `toolcell call`, or to use a client that can.",
    )
