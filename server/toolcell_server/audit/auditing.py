"""
What is worth a record, and who may not go on without one.

Theory of operation.  Where records are demanded (`audit.on_failure = "refuse"`, or the tool's
manifest says `audit = "required"`), the record of the acceptance is written before the tool runs,
and the call is refused if it cannot be; so a tool never runs without a trace, whatever happens to
this process in the middle.  The ending follows in the turn of the loop after its caller has it.  An
execution that was accepted and never came to run (another call with its `request_id` was faster,
the server was draining) is closed with a record too: each acceptance has one counterpart.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.audit import values
from toolcell_server.audit.content import Content, withheld
from toolcell_server.audit.describing import Describing
from toolcell_server.audit.tally import Tally
from toolcell_server.refusals import AuditFailed

if TYPE_CHECKING:
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.audit.content import Redact
    from toolcell_server.audit.log import AuditLog
    from toolcell_server.audit.seen import Seen
    from toolcell_server.execution import Execution
    from toolcell_server.principal import Principal
    from toolcell_server.refusals import CallRefused
    from toolcell_server.tool import Tool

REQUIRED: Final = "required"
MAXIMUM_DENIALS: Final = 32  # of one execution, as many as `Run` returns; the ending counts all


class Auditing:
    """
    Writes records to a log.  `redact` gets the JSON value of arguments or a result, the name of a
    tool and its own keys, and returns what of it may be written down where `audit.content` is on.
    """

    def __init__(self, log: AuditLog, redact: Redact = withheld) -> None:
        self._log = log
        settings = log.settings
        self._content = Content(redact if settings.content else None, settings.content_bytes)
        self._describing = Describing(self._content)
        self._strict = settings.on_failure == "refuse"
        self._tally = Tally(log.append)
        self._joins = Tally(log.append)  # apart: no flood of them hides refusals among its rest
        self._open: set[str] = set()

    async def accept(self, execution: Execution) -> None:
        """
        Record that this execution may run, where it may not without.

        Raises:
            AuditFailed: that cannot be written; it must not run.
        """
        identity = execution.execution_id
        self._open.add(identity)
        execution.resources.callback(self._closed, execution)
        if not self.demands(execution.tool):
            return
        self._log.append(
            "execution.accepted", self._describing.accepted(execution), subject=identity
        )
        if not await self._log.durable():
            raise AuditFailed

    def demands(self, tool: Tool) -> bool:
        """
        Whether that tool may not run without a record.
        """
        return self._strict or tool.audit == REQUIRED

    def check(self, tool: Tool) -> None:
        """
        Refuse early what could not be recorded.

        Raises:
            AuditFailed: records do not reach the disk, and this tool may not run without.
        """
        if self._log.failing and self.demands(tool):
            raise AuditFailed

    def begun(self, execution: Execution) -> None:
        """
        It will end, and be recorded then: to give back what it holds says nothing any more.
        """
        self._open.discard(execution.execution_id)

    def ended(self, execution: Execution, seen: Seen) -> None:
        """
        Record how it ended.
        """
        self._log.later(functools.partial(self._write_ending, execution, seen))

    def interrupted(self, execution: pb.Execution) -> None:
        """
        Record that the server died over an execution, before anybody is told so.
        """
        data = self._describing.interrupted(execution)
        self._log.append("execution.interrupted", data, subject=execution.execution_id)
        self._log.flush()

    def denied(self, execution: Execution, count: int, denied: pb.Denied) -> None:
        """
        Record an access that was denied; the first few of an execution.
        """
        if count <= MAXIMUM_DENIALS:
            about = {
                "execution_id": execution.execution_id,
                "principal": values.who(execution.caller),
                "tool": values.which(execution.tool),
                "denied": values.denial(denied),
            }
            self._log.append("access.denied", about, subject=execution.execution_id)

    def refused(self, refusal: CallRefused, method: str, request: object) -> None:
        """
        Record, or count, a refusal.
        """
        caller = refusal.caller
        self._tally.add(
            "call.refused",
            (caller.name, refusal.reason, method),
            lambda: {
                "principal": values.who(caller),
                "method": method,
                "reason": refusal.reason,
                "code": refusal.code,
                "message": values.bounded(refusal.message),
                **self._describing.asked(request),
            },
        )

    def failed(self, error_id: str, method: str, caller: Principal, request: object) -> None:
        """
        Record, or count, a call that a fault of ours ended.
        """
        self._tally.add(
            "call.failed",
            (caller.name, method),
            lambda: {
                "principal": values.who(caller),
                "method": method,
                "error_id": error_id,
                **self._describing.asked(request),
            },
        )

    def joined(self, caller: Principal, execution_id: str, request: object, *, ended: bool) -> None:
        """
        Record, or count, a call that got the events of an earlier one with its `request_id`.
        """
        self._joins.add(
            "call.replayed" if ended else "call.joined",
            (caller.name, execution_id),
            lambda: {
                "principal": values.who(caller),
                **self._describing.asked(request),
                "execution_id": execution_id,
            },
        )

    def reached(self, caller: Principal, execution_id: str, owner: str, method: str) -> None:
        """
        Record, or count, what somebody did with an execution of somebody else.
        """
        self._joins.add(
            "execution.reached",
            (caller.name, execution_id, method),
            lambda: {
                "principal": values.who(caller),
                "method": method,
                "execution_id": execution_id,
                "owner": values.bounded(owner),
            },
        )

    def approval(
        self, event: str, approval_id: str, caller: Principal, decider: Principal | None = None,
        **about: str | float | bool,
    ) -> None:  # fmt: skip
        """
        Record an event of an approval: `requested`, `approved`, `denied`, `used`, …; the caller's
        whose call waits for it, and who decided, if somebody did.  Never the token that proves it.
        `about`: the tool, its version, the SHA-256 of its arguments, a comment; texts are bounded.
        """
        data = values.about(about)
        data |= {"approval_id": values.bounded(approval_id), "principal": values.who(caller)}
        if decider is not None:
            data["decider"] = values.who(decider)
        self._log.append(f"approval.{event}", data, subject=approval_id)

    def session(self, event: str, session_id: str, caller: Principal, **about: Any) -> None:
        """Record an event of a session, or of a file in its workspace."""
        data = values.about(about) | {"principal": values.who(caller)}
        self._log.append(f"session.{event}", data, subject=session_id)

    def tool_changed(self, event: str, caller: Principal, data: dict[str, Any]) -> None:
        """
        As `changed`, of a registered tool: `registered`, `replaced`, …
        """
        self.changed(f"tool.{event}", caller, data, data["tool"]["name"])

    def changed(self, kind: str, caller: Principal, data: dict[str, Any], subject: str) -> None:
        """
        Record what somebody is about to do to what can be called.

        Raises:
            AuditFailed: nothing may be done without a record, and none reaches the disk.
        """
        if self._log.failing and self._strict:
            raise AuditFailed
        self._log.append(kind, {"principal": values.who(caller), **data}, subject=subject)

    def record(self, kind: str, data: dict[str, Any], subject: str) -> None:
        """Record what others have described."""
        self._log.append(kind, data, subject=subject)

    def start(self) -> None:
        """
        Begin; nothing else may be called before.

        Raises:
            AuditUnusable: the log cannot be kept, or does not verify.
        """
        self._log.start()

    async def aclose(self) -> None:
        """
        Record what was only counted until now, and end.
        """
        self._tally.close()
        self._joins.close()
        await self._log.aclose()

    def _closed(self, execution: Execution) -> None:
        if execution.execution_id in self._open:
            self._open.discard(execution.execution_id)
            data = self._describing.accepted(execution)
            self._log.append("execution.not_run", data, subject=execution.execution_id)

    def _write_ending(self, execution: Execution, seen: Seen) -> None:
        data = self._describing.ended(execution, seen)
        self._log.append("execution.finished", data, subject=execution.execution_id)
