"""
The gRPC face of ApprovalService.
"""

from __future__ import annotations

import asyncio
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import grpc
from toolcell.v1 import approval_pb2 as pb
from toolcell.v1.approval_pb2_grpc import (
    ApprovalServiceServicer,
    add_ApprovalServiceServicer_to_server,
)

from toolcell_server import pages, principal
from toolcell_server.approvals import messages
from toolcell_server.approvals.deciding import may_know
from toolcell_server.approvals.gate import kept
from toolcell_server.approvals.kinds import CONFIRM
from toolcell_server.refusals import InvalidField

if TYPE_CHECKING:
    from toolcell_server.approvals.approval import Approval
    from toolcell_server.approvals.deciding import Deciding
    from toolcell_server.principal import Principal

NAME: Final = pb.DESCRIPTOR.services_by_name["ApprovalService"].full_name
MAXIMUM_REASON: Final = 500  # bytes, as the contract says
_AT_ONCE: Final = 100  # rows that are read before others have their turn
_PAGE_BYTES: Final = 2 * 2**20  # clients receive 4 MiB by default
_DECISIONS: Final = {pb.APPROVAL_DECISION_APPROVE: True, pb.APPROVAL_DECISION_DENY: False}

_Context = grpc.aio.ServicerContext[Any, Any]


class ApprovalService(ApprovalServiceServicer):
    """
    Answers for approvals.
    """

    def __init__(self, deciding: Deciding) -> None:
        self._deciding = deciding

    async def ListApprovals(  # noqa: N802  # the contract's name
        self, request: pb.ListApprovalsRequest, _context: _Context
    ) -> pb.ListApprovalsResponse:
        size, caller = pages.size(request.page_size), principal.current()
        filters = {
            "state": request.state,
            "tool": request.tool,
            "decidable": request.decidable,
        }
        number = pages.number_before(request.page_token, filters)
        response, room = pb.ListApprovalsResponse(), _PAGE_BYTES
        while found := self._before(number, caller):
            for approval in found:
                told = messages.to_proto(approval, self._deciding.clock(), caller)
                if not _matches(approval, told, request, caller):
                    number = approval.number
                    continue
                room -= told.ByteSize()
                if response.approvals and (len(response.approvals) == size or room < 0):
                    response.next_page_token = pages.encode(str(number), filters)
                    return response
                response.approvals.append(told)
                number = approval.number
            await asyncio.sleep(0)
        return response

    async def GetApproval(  # noqa: N802  # the contract's name
        self, request: pb.GetApprovalRequest, _context: _Context
    ) -> pb.GetApprovalResponse:
        with kept():
            found = self._deciding.get(_id(request.approval_id), principal.current())
        return pb.GetApprovalResponse(approval=self._told(found))

    async def DecideApproval(  # noqa: N802  # the contract's name
        self, request: pb.DecideApprovalRequest, _context: _Context
    ) -> pb.DecideApprovalResponse:
        if request.decision not in _DECISIONS:
            raise InvalidField("decision", "must be APPROVE or DENY")
        _check_reason(request.reason)
        with kept():
            decided = self._deciding.decide(
                _id(request.approval_id),
                principal.current(),
                approve=_DECISIONS[request.decision],
                reason=request.reason,
            )
        return pb.DecideApprovalResponse(approval=self._told(decided))

    def _told(self, approval: Approval) -> pb.Approval:
        return messages.to_proto(approval, self._deciding.clock(), principal.current())

    def _before(self, number: int, caller: Principal) -> list[Approval]:
        """
        The next ones that the caller may know of.
        """
        of = None if principal.APPROVE in caller.scopes else caller.name
        with kept():
            return self._deciding.store.before(number, _AT_ONCE, of=of)


def add_to(server: grpc.aio.Server, service: ApprovalService) -> None:
    """
    Serve it.
    """
    add_ApprovalServiceServicer_to_server(service, server)


def _matches(
    approval: Approval, told: pb.Approval, request: pb.ListApprovalsRequest, caller: Principal
) -> bool:
    others = approval.principal != caller.name and approval.kind != CONFIRM
    return (
        may_know(caller, approval)
        and request.state in (pb.APPROVAL_STATE_UNSPECIFIED, told.state)
        and request.tool in ("", approval.tool)
        and (others or not request.decidable)
    )


def _id(text: str) -> str:
    if not text:
        raise InvalidField("approval_id", "must name an approval")
    return text


def _check_reason(reason: str) -> None:
    if len(reason.encode()) > MAXIMUM_REASON:
        raise InvalidField("reason", f"must have at most {MAXIMUM_REASON} bytes")
    if any(unicodedata.category(character) == "Cc" for character in reason):
        raise InvalidField("reason", "must not have control characters")
