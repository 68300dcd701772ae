"""
An approval in the hands of one call.

Theory of operation.  A call that is let pass has its approval reserved, in the database, until its
execution has ended.  Then it is settled: used, if the run may have begun; otherwise it is given
back, because no capacity, no cell or a stream that was lost in the queue are no reason to ask a
person again.  Whoever cannot tell whether the tool has begun says that it has.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from toolcell_server.approvals.approval import APPROVED, PENDING, RESERVED, USED
from toolcell_server.approvals.happenings import Happening
from toolcell_server.approvals.kinds import APPROVE
from toolcell_server.approvals.reviewing import Comparing

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.approvals.approval import Approval
    from toolcell_server.approvals.happenings import Recorder, What
    from toolcell_server.approvals.store import ApprovalStore

_log = logging.getLogger(__name__)


class Reservation:
    """
    What a call holds; `approval` is as it was before.
    """

    def __init__(
        self,
        approval: Approval,
        store: ApprovalStore,
        clock: Callable[[], float],
        record: Recorder,
    ) -> None:
        self.approval = approval
        self._store = store
        self._clock = clock
        self._record = record
        self._execution_id = ""
        self._settled = False

    @property
    def approval_id(self) -> str:
        return self.approval.approval_id

    @property
    def review(self) -> Comparing | None:
        """
        What has to look at staged files, if a preview of them was approved.
        """
        return Comparing(self.approval.staged) if self.approval.staged else None

    @property
    def begun(self) -> bool:
        """
        Whether the run may have begun.
        """
        return bool(self._execution_id)

    def begin(self, execution_id: str) -> None:
        """
        From now on the tool may have been started.
        """
        self._execution_id = execution_id

    def spare(self) -> None:
        """
        It is known by now that the tool was not started.
        """
        self._execution_id = ""

    def settle(self) -> None:
        """
        Keep it as used, or give it back; once, because another call may hold it by the second
        time.  Raises nothing: what is left reserved lets nothing run.
        """
        if self._settled:
            return
        self._settled = True
        before = APPROVED if self.approval.kind == APPROVE else PENDING
        after = USED if self.begun else before
        try:
            self._settle(after, "used" if self.begun else "returned")
        except Exception:  # noqa: BLE001  # one callback of many; the others come after it
            _log.exception("approval %s stays reserved", self.approval_id)

    def _settle(self, after: str, what: What) -> None:
        moved = self._store.move(self.approval_id, RESERVED, after, execution_id=self._execution_id)
        if moved:
            self._record(
                Happening(
                    what=what,
                    by=self.approval.principal,
                    time=self._clock(),
                    approval=self.approval,
                    execution_id=self._execution_id,
                )
            )
