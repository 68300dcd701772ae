"""
Who may know of an approval, and who may decide about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.approvals.approval import (
    ANSWERABLE,
    APPROVED,
    DENIED,
    EXPIRED,
    Approval,
)
from toolcell_server.approvals.happenings import Happening, unrecorded
from toolcell_server.approvals.kinds import CONFIRM
from toolcell_server.principal import APPROVE
from toolcell_server.refusals import (
    ApprovalDecided,
    ApprovalExpired,
    ApprovalSelf,
    ApprovalUnknown,
    NotPermitted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.approvals.happenings import Recorder
    from toolcell_server.approvals.store import ApprovalStore
    from toolcell_server.database import Database
    from toolcell_server.principal import Principal


class Deciding:
    """
    Takes decisions.  Lives on the event loop of its database.
    """

    def __init__(
        self,
        store: ApprovalStore,
        database: Database,
        *,
        clock: Callable[[], float],
        record: Recorder = unrecorded,
    ) -> None:
        self.store = store
        self.clock = clock
        self._database = database
        self._record = record

    def get(self, approval_id: str, principal: Principal) -> Approval:
        """
        Raises:
            ApprovalUnknown: there is none that this principal may know of.
            StoreFailed: it cannot be read.
        """
        found = self.store.by_id(approval_id)
        if found is None or not may_know(principal, found):
            raise ApprovalUnknown(approval_id)
        return found

    def decide(
        self, approval_id: str, principal: Principal, *, approve: bool, reason: str = ""
    ) -> Approval:
        """
        The approval as it is after the decision.

        Raises:
            CallRefused: this principal may not decide about it, or not like that; or it is too
                late.
            StoreFailed: nothing was decided.
        """
        found = self._decidable(approval_id, principal, approve=approve)
        after = APPROVED if approve else DENIED
        if found.state == after and found.decided_by == principal.name:
            return found  # the same decision again, as by a client that lost the answer
        self._check_state(found, approve=approve)
        now = self.clock()
        changes = {"decided": now, "decided_by": principal.name, "reason": reason}
        with self._database.transaction():
            if not self.store.move(approval_id, found.state, after, **changes):
                raise ApprovalDecided(approval_id, "has just changed", "look at it again")
            self._record(
                Happening(
                    what="approved" if approve else "denied",
                    by=principal.name,
                    time=now,
                    approval=found,
                    reason=reason,
                )
            )
        return self.get(approval_id, principal)

    def _decidable(self, approval_id: str, principal: Principal, *, approve: bool) -> Approval:
        """
        Whoever may not decide about others' is told so, whether or not it exists.
        """
        found = self.store.by_id(approval_id)
        own = found is not None and found.principal == principal.name
        if not own and APPROVE not in principal.scopes:
            raise NotPermitted(f"deciding about the calls of others without the scope {APPROVE}")
        if found is None:
            raise ApprovalUnknown(approval_id)
        if approve and found.kind == CONFIRM:
            what = "is a confirmation, which its caller gives by calling again"
            raise ApprovalDecided(approval_id, what, "leave it to the caller, or deny it")
        if approve and own:
            raise ApprovalSelf(approval_id)
        return found

    def _check_state(self, approval: Approval, *, approve: bool) -> None:
        state = approval.state_at(self.clock())
        if state == EXPIRED:
            raise ApprovalExpired(approval.approval_id)
        if state not in ANSWERABLE or (approve and state == APPROVED):
            what = f"is {state} already"
            raise ApprovalDecided(approval.approval_id, what, "there is nothing left to decide")


def may_know(principal: Principal, approval: Approval) -> bool:
    """
    Whether that principal asked for it, or may decide about others'.
    """
    return principal.name == approval.principal or APPROVE in principal.scopes
