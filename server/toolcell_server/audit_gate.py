"""
The gate before approvals that refuses what could not be recorded: nobody is asked about it, and it
is not run to show what it would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.refusals import AuditNotKept

if TYPE_CHECKING:
    import contextlib

    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.gates import Call
    from toolcell_server.tool import Tool


def check(tool: Tool, auditing: Auditing | None) -> None:
    """
    Refuse a tool that may not run without a record, where none can be kept.

    Raises:
        AuditFailed: records do not reach the disk.
        AuditNotKept: there is no audit log, and the tool demands one.
    """
    if auditing is not None:
        auditing.check(tool)
    elif tool.audit:
        raise AuditNotKept(tool.name)


@dataclass(frozen=True, slots=True)
class AuditGate:
    """
    Looks only; the record itself is made when everything is decided (`audited_admission.py`).
    """

    auditing: Auditing | None

    async def let_pass(self, call: Call, _resources: contextlib.ExitStack) -> Call:
        """
        Raises:
            CallRefused: as `check`.
        """
        check(call.tool, self.auditing)
        return call
