"""
From a request to a frozen grant: every station between the wire and a cell, in order.

Theory of operation.  Each station decides, or does, never both; each refuses by raising, and what
it refuses ran nothing.  What costs nothing comes first, what needs the kernel comes last:

    fields → tool → limits → arguments (strict JSON, prepared, schema) → gates → grant →
    isolation → place → paths

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
from typing import TYPE_CHECKING, Protocol

from toolcell_server import request_fields
from toolcell_server.arguments.preparing import Preparing
from toolcell_server.execution import Execution
from toolcell_server.gates import Call
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import NobodyApproves, UnknownTool
from toolcell_server.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from toolcell_server.capacity import Capacity
    from toolcell_server.gates import Gate
    from toolcell_server.granting import Granting
    from toolcell_server.grants import Grant, OpenedMount
    from toolcell_server.principal import Principal
    from toolcell_server.registry import Tool
    from toolcell_server.request_fields import Request
    from toolcell_server.validation import Validation


class Tools(Protocol):
    """
    Where tools are found.
    """

    def find_callable(self, name: str, version: str, principal: Principal, /) -> Tool:
        """
        Raises:
            NotPermitted: it is not for this caller, whether or not there is one.
            SwitchedOff: the operator switched it off.
            ToolBroken: it does not load.
            UnknownTool: there is none; carries close matches.
        """
        ...


class Opener(Protocol):
    """
    Opens what a grant names.
    """

    def __call__(
        self, grant: Grant, bundle: str, resources: contextlib.ExitStack
    ) -> Awaitable[tuple[OpenedMount, ...]]:
        """
        Every path of the grant that exists, in its order, for a cell of that bundle.  What is
        opened is given back when `resources` are closed, on an error too.

        Raises:
            PathNotAllowed: a path is a link, lies behind one, or cannot be opened.
        """
        ...


class Places(Protocol):
    """
    Where an execution can run.
    """

    def reserve(self, execution_id: str, wanted: Wanted, /) -> None:
        """
        Raises:
            NoCapacity: none is free, and this one cannot wait.
        """
        ...

    def release(self, execution_id: str, /) -> None:
        """
        Give a place back.  It does nothing where there is none.
        """
        ...


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
        call = await self._call(request, principal, deadline, stands_in=stands_in)
        with contextlib.ExitStack() as resources:
            for gate in self.gates:
                call = await gate.let_pass(call, resources)
            if call.approval_demanded:
                raise NobodyApproves(call.approval_demanded)
            grant = self.granting.grant(call)
            execution_id = execution_id or str(uuid.uuid4())
            if not request.validate_only:
                places = self._places(call.tool)
                places.reserve(execution_id, wanted)
                resources.callback(places.release, execution_id)
            mounts = await self.opener(grant, call.tool.bundle, resources) if grant.paths else ()
            return Execution(
                execution_id=execution_id,
                tool=call.tool,
                grant=dataclasses.replace(grant, mounts=mounts) if mounts else grant,
                arguments=call.data,
                accepted=accepted,
                call_id=request.call_id,
                principal=principal.name,
                caller=principal,
                request_id=request.request_id,
                asked=request.tool,
                deadline=deadline,
                labels=dict(request.labels),
                detached=request.detached,
                taken=call.taken,
                approval=call.approval,
                no_cache=request.no_cache,
                reports=call.reports,
                review=call.approval.review if call.approval else None,
                resources=resources.pop_all(),
            )

    def _places(self, tool: Tool) -> Places:
        return self.places_at_hosts(tool) if tool.hosted else self.capacity

    async def _call(
        self, request: Request, principal: Principal, deadline: float | None, *, stands_in: bool
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
            stands_in=stands_in,
        )


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
