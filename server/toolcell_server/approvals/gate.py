"""
The last gate: a call that needs an approval passes with one, or is told how to get it.

It is the last so that nobody is asked about a call that would be refused all the same, and so that
what a person reads is what would run.  The grant is compiled here for the same two reasons, and
once more where it is granted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.approvals.desk import Asked
from toolcell_server.approvals.kinds import APPROVE
from toolcell_server.approvals.previewing import NO_PREVIEW
from toolcell_server.database import StoreFailed
from toolcell_server.refusals import ApprovalsNotKept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_server.approvals.desk import Desk
    from toolcell_server.approvals.kinds import Demands
    from toolcell_server.approvals.previewing import Preview, Previewing
    from toolcell_server.gates import Call
    from toolcell_server.grants import Grant

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    """
    Lets a call pass if nothing demands an approval of it, or if it brings the right one.  A token
    that nobody demanded is looked at all the same: whoever sends it counts on that.
    """

    demands: Demands
    grant: Callable[[Call], Grant]
    desk: Desk
    previewing: Previewing | None = None

    async def let_pass(self, call: Call, resources: contextlib.ExitStack) -> Call:
        """
        Raises:
            CallRefused: `ApprovalRequired` without a token; with one, what is wrong with it.
        """
        kind = self.demands.of(call.tool, call.approval_demanded)
        if not (kind or call.request.approval_token):
            return call
        asked = Asked(call, self.grant(call), kind)
        with kept():
            if not call.request.approval_token:
                raise self.desk.required(asked, await self._preview(asked))
            reservation = self.desk.redeem(asked)
        if reservation is not None:
            resources.callback(reservation.settle)
        return dataclasses.replace(call, approval=reservation, approval_demanded="")

    async def _preview(self, asked: Asked) -> Preview:
        """
        For whoever approves.  The caller of a confirmation is the one who must not see what a run
        that nobody agreed to has read.
        """
        if self.previewing is None or asked.kind != APPROVE or not asked.asks:
            return NO_PREVIEW
        self.desk.check_room(asked)
        return await self.previewing.preview(asked.call, asked.grant)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """
    Refuse what the database cannot answer for.

    Raises:
        ApprovalsNotKept: it failed.
    """
    try:
        yield
    except StoreFailed as exc:
        _log.exception("the approvals cannot be kept")
        raise ApprovalsNotKept from exc
