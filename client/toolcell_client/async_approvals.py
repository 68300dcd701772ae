"""
The same as `approvals.py`, awaited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from toolcell.v1 import approval_pb2 as pb

from toolcell_client.approvals import approvals_page, decision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_client.async_connection import AsyncConnection


class AsyncApprovals:
    """
    The approvals that this client's principal may know of; see `Approvals`.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list(
        self, *, state: str | int = "", tool: str = "", decidable: bool = False, page_size: int = 0
    ) -> AsyncIterator[pb.Approval]:
        """
        Approvals, newest first.
        """
        request = approvals_page(state, tool, page_size, decidable=decidable)
        while True:
            page = await self._connection.ask(self._connection.approvals.ListApprovals, request)
            for approval in page.approvals:
                yield approval
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get(self, approval_id: str) -> pb.Approval:
        request = pb.GetApprovalRequest(approval_id=approval_id)
        answer = await self._connection.ask(self._connection.approvals.GetApproval, request)
        return cast("pb.Approval", answer.approval)

    async def approve(self, approval_id: str, reason: str = "") -> pb.Approval:
        """
        Let the call of another principal run.
        """
        return await self._decide(decision(approval_id, pb.APPROVAL_DECISION_APPROVE, reason))

    async def deny(self, approval_id: str, reason: str = "") -> pb.Approval:
        """
        Say no, or withdraw an own question.
        """
        return await self._decide(decision(approval_id, pb.APPROVAL_DECISION_DENY, reason))

    async def _decide(self, request: pb.DecideApprovalRequest) -> pb.Approval:
        answer = await self._connection.ask(self._connection.approvals.DecideApproval, request)
        return cast("pb.Approval", answer.approval)
