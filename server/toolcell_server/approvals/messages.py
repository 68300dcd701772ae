"""
Approvals as the contract tells them.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.timestamp_pb2 import Timestamp
from toolcell.v1 import approval_pb2 as pb
from toolcell.v1 import execution_pb2, registry_pb2

from toolcell_server.principal import APPROVE

if TYPE_CHECKING:
    from toolcell_server.approvals.approval import Approval
    from toolcell_server.principal import Principal

_KINDS: Final = {"confirm": pb.APPROVAL_KIND_CONFIRM, "approve": pb.APPROVAL_KIND_APPROVE}


def to_proto(approval: Approval, now: float, caller: Principal) -> pb.Approval:
    """
    What that caller is told of it at that time.
    """
    told = pb.Approval(
        approval_id=approval.approval_id,
        kind=_KINDS[approval.kind],
        state=pb.ApprovalState.Value(f"APPROVAL_STATE_{approval.state_at(now).upper()}"),
        principal=approval.principal,
        tool=approval.tool,
        version=approval.version,
        title=approval.title,
        effects=registry_pb2.Effects.Value(f"EFFECTS_{approval.effects.upper()}"),
        summary=approval.summary,
        arguments_json=approval.arguments.encode(),
        incomplete=not approval.complete,
        arguments_digest=approval.digest,
        limits=execution_pb2.Limits.FromString(approval.limits),
        grants=execution_pb2.Grants.FromString(approval.grants),
        requested_time=_time(approval.requested),
        expires_time=_time(approval.expires),
        decided_by=approval.decided_by,
        reason=approval.reason,
        execution_id=approval.execution_id,
        call_id=approval.call_id,
        bundle=approval.bundle,
    )
    if APPROVE in caller.scopes and caller.name != approval.principal:
        told.preview = approval.preview
    if approval.decided:
        told.decided_time.CopyFrom(_time(approval.decided))
    return told


def _time(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMilliseconds(round(seconds * 1000))
    return stamp
