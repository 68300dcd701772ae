"""
Refusals because nobody could prove afterwards what was done.
"""

from __future__ import annotations

from toolcell_server.refusals.base import CallRefused, shown


class AuditFailed(CallRefused):
    """
    Raised when a call must leave a record before it runs, and none can be written.  Why is in the
    server's log; callers are not told of its disks.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "I cannot keep a record of that right now, so I may not do it."

    def __init__(self, retry_delay_seconds: float = 5.0) -> None:
        super().__init__(
            "the audit log of the server cannot be written, and nothing may run without it",
            f"try again in {retry_delay_seconds:g} seconds, or tell the operator",
            retry_delay_seconds=retry_delay_seconds,
        )


class AuditNotKept(CallRefused):
    """
    Raised when the tool demands an audit log, and the server keeps none.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "That tool may only be used where a record is kept."

    def __init__(self, tool: str) -> None:
        super().__init__(
            f"the tool {shown(tool)} demands an audit log, and this server keeps none",
            "use another tool, or ask the operator to set audit.folder",
            metadata={"tool": tool},
        )
