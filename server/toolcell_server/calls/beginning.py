"""
Begins calls: from a request to the record of its execution, whoever makes the call: an RPC, a batch
or a workflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from toolcell_server import principal
from toolcell_server.idempotency import Scope, fingerprint
from toolcell_server.refusals import ApprovalReplayed

if TYPE_CHECKING:
    from toolcell_server.execution import Execution
    from toolcell_server.executions import Executions
    from toolcell_server.known import Known
    from toolcell_server.principal import Principal
    from toolcell_server.request_fields import Request


class Admits(Protocol):
    """
    Decides whether a call may run, and with what.
    """

    async def admit(
        self,
        request: Request,
        time_remaining: float | None,
        principal: Principal,
        *,
        share: str,
    ) -> Execution:
        """
        The execution of a call.  `time_remaining` is that of its RPC, in seconds; None: no end.
        `share` is whose place it takes if the principal has no name: its connection.

        Raises:
            CallRefused: it may not run; nothing is left open.
        """
        ...


class Joined(Protocol):
    """
    Is told of each call that joins or replays an earlier one.
    """

    def __call__(
        self, caller: Principal, execution_id: str, request: Request, *, ended: bool
    ) -> None: ...


class Beginning:
    """
    Begins the calls of whoever `principal.current()` is.
    """

    def __init__(
        self, executions: Executions, admission: Admits, joined: Joined | None = None
    ) -> None:
        self._executions = executions
        self._admission = admission
        self._joined = joined

    async def begin(
        self, request: Request, time_remaining: float | None, share: str
    ) -> tuple[Known, bool]:
        """
        The record of the execution that this call starts or joins; and whether it had ended.

        Raises:
            CallRefused: one of its kinds; nothing ran.
        """
        caller = principal.current()
        asked = fingerprint(request) if request.request_id else b""  # nobody else is compared
        if earlier := self._earlier(request, asked):
            return earlier
        self._executions.check_accepting()
        try:
            execution = await self._admission.admit(request, time_remaining, caller, share=share)
        except ApprovalReplayed:  # by this call's own twin, which was admitted meanwhile?
            if not (earlier := self._earlier(request, asked)):
                raise
            return earlier
        if request.validate_only:
            return self._executions.validated(execution), False
        record = self._executions.start(execution, asked)
        if record.execution_id != execution.execution_id:
            return self._found(record, request)
        return record, False

    def _earlier(self, request: Request, asked: bytes) -> tuple[Known, bool] | None:
        """
        What `begin` returns for a call that joins or replays an earlier one.
        """
        if request.validate_only:
            return None
        scope = Scope(principal.current().name, request.tool, request.request_id)
        earlier = self._executions.joined(scope, asked)
        return self._found(earlier, request) if earlier else None

    def _found(self, earlier: Known, request: Request) -> tuple[Known, bool]:
        ended = earlier.has_ended
        if self._joined:
            self._joined(principal.current(), earlier.execution_id, request, ended=ended)
        return earlier, ended
