"""
Admits the fallback of a tool that cannot be used, or that has failed.

Theory of operation.  A fallback is a call of its own: of the same caller, with the same request but
for the tool, and it passes every station that any call passes: its own schema, rights, rates,
approval, grant and place.  Nothing that was decided for the first tool counts for it.  If it is
refused, the caller hears of the first tool's trouble, not of the second one's: that is the tool he
knows.  A fallback has no fallback.

When a tool cannot even be admitted (it is broken, switched off, or left alone by the breaker), its
fallback is admitted in its place.  Else the execution takes along how to admit it, should it fail
(`fell_back.py`); its time is then what is left of the first one's.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import effects
from toolcell_server.durations import to_duration
from toolcell_server.fallbacks import fallbacks
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import (
    CallRefused,
    NotPermitted,
    SwitchedOff,
    ToolBroken,
    ToolUnavailable,
)

if TYPE_CHECKING:
    from toolcell_server.execution import Execution
    from toolcell_server.fallbacks.fallbacks import Tools
    from toolcell_server.principal import Principal
    from toolcell_server.request_fields import Request
    from toolcell_server.tool import Tool


_SHORTEST_SECONDS: Final = 0.001  # a timeout is positive


class Admits(Protocol):
    """
    Admits calls, of which some have an id already: that of the execution that failed.
    """

    async def admit(
        self,
        request: Request,
        time_remaining: float | None,
        principal: Principal = ANYBODY,
        share: str = "",
        execution_id: str = "",
        *,
        stands_in: bool = False,
    ) -> Execution:
        """
        As `Admission.admit`.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """
    What was asked, and by whom.
    """

    request: Request
    principal: Principal
    share: str


@dataclass(frozen=True, slots=True)
class FallingBack:
    """
    Admits calls as `base` does, and the fallbacks of their tools.
    """

    base: Admits
    tools: Tools

    async def admit(
        self,
        request: Request,
        time_remaining: float | None,
        principal: Principal = ANYBODY,
        share: str = "",
    ) -> Execution:
        """
        As `Admission.admit`.

        Raises:
            CallRefused: neither the tool nor its fallback may run; nothing is left open.
        """
        asked = _Asked(request, principal, share)
        try:
            execution = await self.base.admit(request, time_remaining, principal, share)
        except (SwitchedOff, ToolBroken, ToolUnavailable) as refusal:
            return await self._instead(asked, time_remaining, refusal)
        if request.validate_only or not execution.tool.fallback:
            return execution
        return dataclasses.replace(execution, fallback=_Later(self, asked))

    async def _instead(
        self, asked: _Asked, time_remaining: float | None, refusal: CallRefused
    ) -> Execution:
        try:
            tool = self.tools.find(asked.request.tool, asked.request.version, asked.principal)
            execution = await self.of(tool, asked, time_remaining)
        except CallRefused:
            raise refusal from None
        told = _fell_back(tool, execution, refusal=refusal.reason)
        return dataclasses.replace(execution, instead_of=told, asked=asked.request.tool)

    async def of(
        self, tool: Tool, asked: _Asked, time_remaining: float | None, execution_id: str = ""
    ) -> Execution:
        """
        The execution of a tool's fallback.

        Raises:
            CallRefused: it may not run; nothing is left open.
        """
        name, version = fallbacks.named(tool)
        if not name:
            raise NotPermitted("the tool has no fallback")
        if why := fallbacks.fault(tool, self.tools):
            raise NotPermitted(f"the fallback of this tool cannot stand in for it: {why}")
        request = _copy(asked.request)
        request.tool, request.version = name, version
        request.approval_token = ""  # it was for the tool that was called
        execution = await self.base.admit(
            request, time_remaining, asked.principal, asked.share, execution_id, stands_in=True
        )
        if effects.exceed(execution.tool.effects, tool.effects):  # a gate chose yet another
            execution.close()
            raise NotPermitted("a fallback with more effects than the tool has")
        return execution


@dataclass(frozen=True, slots=True)
class _Later:
    """
    The fallback of an execution that was admitted, for when it has failed.
    """

    admission: FallingBack
    asked: _Asked

    async def __call__(self, failed: Execution) -> Execution:
        request = _copy(self.asked.request)
        if failed.deadline is not None:
            left = max(failed.deadline - time.monotonic(), _SHORTEST_SECONDS)
            request.timeout.CopyFrom(to_duration(left))
        asked = dataclasses.replace(self.asked, request=request)
        execution = await self.admission.of(failed.tool, asked, None, failed.execution_id)
        known = execution.stop  # to its session, which may end before it does
        known.then(lambda: failed.stop.request(known.reason or pb.CANCEL_REASON_UNSPECIFIED))
        return dataclasses.replace(
            execution,
            accepted=failed.accepted,
            deadline=failed.deadline,
            stop=failed.stop,
            instead_of=_fell_back(failed.tool, execution),
        )


def _copy(request: Request) -> Request:
    copy = type(request)()
    copy.CopyFrom(request)  # type: ignore[arg-type]  # it is of the same type
    return copy


def _fell_back(tool: Tool, execution: Execution, refusal: str = "") -> pb.FellBack:
    return pb.FellBack(
        tool=tool.name,
        version=tool.version,
        fallback=execution.tool.name,
        fallback_version=execution.tool.version,
        refusal=refusal,
        limits=execution.grant.limits.to_proto(),
        grants=execution.grant.to_proto(),
    )
