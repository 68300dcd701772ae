"""
The last station of admission: nothing that must leave a record runs before it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import AuditNotKept

if TYPE_CHECKING:
    from toolcell_server.admission import Admission
    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.execution import Execution
    from toolcell_server.principal import Principal
    from toolcell_server.request_fields import Request


@dataclass(frozen=True, slots=True)
class AuditedAdmission:
    """
    Admits as the admission underneath does, and records what it admits.  Without an audit log,
    tools that demand one are refused.
    """

    base: Admission
    auditing: Auditing | None = None

    async def admit(
        self,
        request: Request,
        time_remaining: float | None,
        principal: Principal = ANYBODY,
        share: str = "",
        execution_id: str = "",
        *,
        asks: bool = True,
    ) -> Execution:
        """
        As `Admission.admit`.

        Raises:
            AuditFailed: it may not run without a record, which cannot be written.
            AuditNotKept: its tool demands an audit log, and there is none.
            CallRefused: another of its kinds; nothing ran, nothing is left open.
        """
        execution = await self.base.admit(
            request, time_remaining, principal, share, execution_id, asks=asks
        )
        try:
            await accept(self.auditing, execution, validated=request.validate_only)
        except BaseException:
            execution.close()
            raise
        return execution


async def accept(
    auditing: Auditing | None, execution: Execution, *, validated: bool = False
) -> None:
    """
    Record what is going to run, unless it is only `validated`.

    Raises:
        AuditFailed: it may not run without a record, which cannot be written.
        AuditNotKept: its tool demands an audit log, and there is none.
    """
    if auditing is None:
        if execution.tool.audit:
            raise AuditNotKept(execution.tool.name)
        return
    auditing.check(execution.tool)
    if not validated:
        await auditing.accept(execution)
