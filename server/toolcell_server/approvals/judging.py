"""
Whether a call may pass with the approval that it brings.  Pure.

Theory of operation.  Whoever does not own an approval learns nothing of it: another principal's
token, or that of another session, is as unknown as one that was made up.  Everything else is told
to its owner by name.  What is over (used, denied, expired) is told before what does not fit, so
that an old token says the same whatever it is sent with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.approvals.approval import DENIED, EXPIRED, PENDING, RESERVED, USED, VOID
from toolcell_server.approvals.kinds import APPROVE, Kind, strength
from toolcell_server.refusals import (
    ApprovalAltered,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalPending,
    ApprovalPinWrong,
    ApprovalReplayed,
    ApprovalUnknown,
)

if TYPE_CHECKING:
    from toolcell_server.approvals.approval import Approval
    from toolcell_server.principal import Principal


def owned(approval: Approval | None, principal: Principal) -> Approval:
    """
    The approval, if this principal asked for it, in this session.

    Raises:
        ApprovalUnknown: there is none, or it is somebody else's.
    """
    if approval is None or approval.principal != principal.name:
        raise ApprovalUnknown
    if approval.session != principal.session:
        raise ApprovalUnknown
    return approval


def check(approval: Approval, binding: bytes, kind: Kind, now: float) -> None:
    """
    Check that an approval of the caller's own lets a call with that binding run, of which that
    kind of approval is demanded now.  A PIN is not looked at.

    Raises:
        CallRefused: one of the kinds that begin with Approval.
    """
    state, approval_id = approval.state_at(now), approval.approval_id
    if state in (RESERVED, USED):
        raise ApprovalReplayed(approval_id)
    if state == VOID:
        raise ApprovalPinWrong(approval_id, 0)
    if state == DENIED:
        raise ApprovalDenied(approval_id, approval.reason)
    if state == EXPIRED:
        raise ApprovalExpired(approval_id)
    if approval.binding != binding:
        raise ApprovalAltered(approval_id, "a call that differs from this one, or got less")
    if strength(approval.kind) < strength(kind):
        raise ApprovalAltered(approval_id, f"a confirmation, and {kind} is demanded now")
    if approval.kind == APPROVE and state == PENDING:
        raise ApprovalPending(approval_id)
