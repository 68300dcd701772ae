"""
From a request to a frozen grant: every station between the wire and a cell, in order.

Theory of operation.  Each station decides, or does, never both; each refuses by raising, and what
it refuses ran nothing.  What costs nothing comes first, what needs the kernel comes last:

    fields → session → tool → limits → arguments (strict JSON, prepared, schema) → gates → grant →
    isolation → room → place → paths

The gates (`gates.py`) are what the operator has switched on: rights, rates, approval and others.

A refusal that the caller can mend therefore comes before "no capacity", which he cannot; but not
under overload, when calls are being refused one after the other: what is spent on one of them is
taken from those that run.  Then it comes after the fields.  For a small call that saves a third of
the processor time of a refusal, for a large one nearly all.

The place is taken before the paths are opened, so that a full server opens nothing.  From the gates
on there is something to give back; it is all in `Execution.resources`, closed here if a later
station refuses, and by whoever holds the execution from then on.

`request_id` is not looked at here: the caller of `admit` joins or replays before and after.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_server import request_fields
from toolcell_server.arguments.preparing import Preparing
from toolcell_server.execution import Execution, Stop
from toolcell_server.gates import Call, is_stateful
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import InvalidField, NobodyApproves, UnknownTool
from toolcell_server.sessions.session import may_fill
from toolcell_server.sessions.station import NoSessions
from toolcell_server.sessions.tools import in_session
from toolcell_server.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.admission_needs import Opener, Places, Tools
    from toolcell_server.capacity import Capacity
    from toolcell_server.gates import Gate
    from toolcell_server.granting import Granting
    from toolcell_server.grants import Grant
    from toolcell_server.principal import Principal
    from toolcell_server.registry import Tool
    from toolcell_server.request_fields import Request
    from toolcell_server.sessions.session import Session
    from toolcell_server.sessions.station import Station
    from toolcell_server.validation import Validation


def _none_at_hosts(tool: Tool) -> Places:
    raise UnknownTool(tool.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """
    Admits calls.  Lives on one event loop.  Tools that live at clients have places there.
    """

    tools: Tools
    validation: Validation
    granting: Granting
    capacity: Capacity
    opener: Opener
    places_at_hosts: Callable[[Tool], Places] = _none_at_hosts
    gates: tuple[Gate, ...] = ()
    sessions: Station = field(default_factory=NoSessions)
    preparing: Preparing = field(default_factory=Preparing)

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
        An execution that may run; whoever gets it closes it.  `time_remaining` is that of its
        RPC, in seconds; None: no end.  With `validate_only` no place is taken: nothing will run.
        Places are shared fairly between `share`s, if there is no principal.  `execution_id` is
        that of one that goes on with this call; without it there is a new one.  `stands_in`: it is
        a call of the server's own, of a fallback.

        Raises:
            CallRefused: one of its kinds; nothing ran, nothing is left open.
        """
        accepted = time.monotonic()
        request_fields.check(request)
        deadline = _deadline(request, accepted, time_remaining)
        wanted = Wanted(principal.name or share, request.tool, deadline)
        if not request.validate_only:
            self.capacity.check(wanted)
        session, principal = self._in_session(request, principal)
        call = await self._call(request, principal, deadline, session, stands_in=stands_in)
        if session is None and is_stateful(call):
            raise InvalidField("session_id", "must name a session: what is stateful goes on in it")
        with contextlib.ExitStack() as resources:
            stop = Stop()
            if session is not None:
                resources.enter_context(self.sessions.using(session, stop))
            call = await self._passed(call, resources)
            grant = await self._granted(call)
            execution_id = execution_id or str(uuid.uuid4())
            if not request.validate_only:
                places = self._places(call.tool)
                places.reserve(execution_id, wanted)
                resources.callback(places.release, execution_id)
            mounts = await self.opener(grant, call.tool.bundle, resources) if grant.paths else ()
            return Execution(
                execution_id=execution_id,
                grant=dataclasses.replace(grant, mounts=mounts) if mounts else grant,
                accepted=accepted,
                deadline=deadline,
                stop=stop,
                resources=resources.pop_all(),
                **_said(call),
            )

    def _in_session(
        self, request: Request, principal: Principal
    ) -> tuple[Session | None, Principal]:
        """
        The session that is asked for, and the caller in it.
        """
        if not request.session_id:
            return None, principal
        session = self.sessions.find(request.session_id, principal)
        return session, dataclasses.replace(principal, session=session.session_id)

    def _places(self, tool: Tool) -> Places:
        return self.places_at_hosts(tool) if tool.hosted else self.capacity

    async def _passed(self, call: Call, resources: contextlib.ExitStack) -> Call:
        """
        The call as the gates leave it.
        """
        for gate in self.gates:
            call = await gate.let_pass(call, resources)
        if call.approval_demanded:
            raise NobodyApproves(call.approval_demanded)
        return call

    async def _granted(self, call: Call) -> Grant:
        grant = self.granting.grant(call)
        if call.session is not None and may_fill(grant.paths):
            await self.sessions.room(call.session)
        return grant

    async def _call(
        self,
        request: Request,
        principal: Principal,
        deadline: float | None,
        session: Session | None,
        *,
        stands_in: bool,
    ) -> Call:
        tool = self.tools.find_callable(request.tool, request.version, principal)
        limits = tool.limits.narrowed_by(request.limits)
        given = request.arguments_json or b"{}"
        arguments, data = self.preparing.prepared(tool, given, limits.arguments_bytes)
        await self.validation.check(tool, arguments, data)
        return Call(
            request=request,
            principal=principal,
            tool=tool,
            limits=limits,
            arguments=arguments,
            data=data,
            deadline=deadline,
            session=session,
            stands_in=stands_in,
        )


def _said(call: Call) -> dict[str, Any]:
    """
    What an execution has of its call as it is.
    """
    request, session = call.request, call.session
    return {
        "tool": call.tool if session is None else in_session(call.tool),
        "arguments": call.data,
        "call_id": request.call_id,
        "principal": call.principal.name,
        "caller": call.principal,
        "request_id": request.request_id,
        "asked": request.tool,
        "labels": dict(request.labels),
        "detached": request.detached,
        "taken": tuple(call.taken),
        "approval": call.approval,
        "no_cache": request.no_cache,
        "reports": call.reports,
        "review": call.approval.review if call.approval else None,
        "session": session,
        "stateful": session is not None and is_stateful(call),
    }


def _deadline(request: Request, accepted: float, time_remaining: float | None) -> float | None:
    """
    Whichever comes first: the call's timeout, or its RPC's deadline, which is that of the stream
    alone if the execution is detached from it.
    """
    timeout = request_fields.timeout_seconds(request)
    ends = [] if timeout is None else [accepted + timeout]
    if time_remaining is not None and not request.detached:
        ends.append(accepted + time_remaining)
    return min(ends, default=None)
