"""
What happens to approvals, as the audit is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from toolcell_server.approvals.approval import Approval

What = Literal["requested", "approved", "denied", "reserved", "returned", "used", "wrong_pin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """
    Something that happened to an approval.  `by` is the principal who did it, `time` in seconds
    since the epoch.  `approval` is as it was before; neither it nor this holds a token or a PIN.
    """

    what: What
    by: str
    time: float
    approval: Approval
    reason: str = ""
    execution_id: str = ""


class Recorder(Protocol):
    """
    Takes note.  What it raises refuses the call or the decision, so that none goes unrecorded.
    """

    def __call__(self, happening: Happening, /) -> None: ...


def unrecorded(_happening: Happening, /) -> None:
    """
    Nobody takes note.
    """
