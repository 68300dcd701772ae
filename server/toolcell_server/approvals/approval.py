"""
One approval, as it is kept.  Pure.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from toolcell_server.approvals.kinds import Kind

State = Literal["pending", "approved", "denied", "reserved", "used", "void"]
PENDING: Final = "pending"  # nobody has answered
APPROVED: Final = "approved"
DENIED: Final = "denied"
RESERVED: Final = "reserved"  # a call has it, and may be running
USED: Final = "used"
VOID: Final = "void"  # too many wrong PINs
EXPIRED: Final = "expired"  # never kept: it depends on the time
ANSWERABLE: Final = frozenset({PENDING, APPROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """
    A question and its answer.  Times are seconds since the epoch, 0.0 for what has not happened.

    `binding` is what it is for; `arguments` is what a person may see of them, as JSON, `complete`
    if nothing is left out but what is masked; `grants` and `limits` are messages of the contract.
    `preview` is what staged files would become, for people, and `staged` their digests as JSON.
    `number` orders approvals by when they were asked for.
    """

    approval_id: str
    kind: Kind
    principal: str
    session: str
    call_id: str
    tool: str
    version: str
    title: str
    effects: str
    bundle: str
    summary: str
    arguments: str
    complete: bool
    digest: str
    binding: bytes
    grants: bytes
    limits: bytes
    requested: float
    expires: float
    state: State = "pending"
    decided: float = 0.0
    decided_by: str = ""
    reason: str = ""
    execution_id: str = ""
    wrong_pins: int = 0
    preview: str = ""
    staged: str = ""
    number: int = 0

    def state_at(self, now: float) -> str:
        """
        Its state, which time alone may have ended.
        """
        expired = self.state in ANSWERABLE and self.expires <= now
        return EXPIRED if expired else self.state


COLUMNS: Final = tuple(field.name for field in dataclasses.fields(Approval))


def time_text(seconds: float) -> str:
    """
    RFC 3339, in UTC, whole seconds.
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
