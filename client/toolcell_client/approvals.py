"""
Decides about calls that wait for a yes: `client.approvals`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import approval_pb2 as pb

from toolcell_client.requests import enum_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.connection import Connection


class Approvals:
    """
    The approvals that this client's principal may know of.  Each method raises `CallRefused` (also
    `ApprovalUnknown`, `ApprovalSelf`, `NotPermitted`) or `ServerUnreachable`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self, *, state: str | int = "", tool: str = "", decidable: bool = False, page_size: int = 0
    ) -> Iterator[pb.Approval]:
        """
        Approvals, newest first; `state` is "pending", "approved", "denied", "reserved", "used",
        "expired" or "void"; `decidable` are those that this principal may approve.
        """
        request = approvals_page(state, tool, page_size, decidable=decidable)
        while True:
            page = self._connection.ask(self._connection.approvals.ListApprovals, request)
            yield from page.approvals
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def get(self, approval_id: str) -> pb.Approval:
        request = pb.GetApprovalRequest(approval_id=approval_id)
        return self._connection.ask(self._connection.approvals.GetApproval, request).approval

    def approve(self, approval_id: str, reason: str = "") -> pb.Approval:
        """
        Let the call of another principal run.
        """
        request = decision(approval_id, pb.APPROVAL_DECISION_APPROVE, reason)
        return self._connection.ask(self._connection.approvals.DecideApproval, request).approval

    def deny(self, approval_id: str, reason: str = "") -> pb.Approval:
        """
        Say no, or withdraw an own question.
        """
        request = decision(approval_id, pb.APPROVAL_DECISION_DENY, reason)
        return self._connection.ask(self._connection.approvals.DecideApproval, request).approval


def decision(
    approval_id: str, answer: pb.ApprovalDecision.ValueType, reason: str
) -> pb.DecideApprovalRequest:
    """
    Answers the question of an approval.
    """
    return pb.DecideApprovalRequest(approval_id=approval_id, decision=answer, reason=reason)


def approvals_page(
    state: str | int, tool: str, page_size: int, *, decidable: bool
) -> pb.ListApprovalsRequest:
    """
    Asks for the first page of approvals.
    """
    number = pb.ApprovalState.ValueType(enum_number(pb.ApprovalState, state or 0))
    return pb.ListApprovalsRequest(
        page_size=page_size, state=number, tool=tool, decidable=decidable
    )
