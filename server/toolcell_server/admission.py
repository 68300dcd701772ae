"""
From a request to a frozen grant: every station between the wire and a cell, in order.

Theory of operation.  Each station decides, or does, never both; each refuses by raising, and what
it refuses ran nothing.  What costs nothing comes first, what needs the kernel comes last:

    fields → tool → limits → arguments (strict JSON, schema) → grant → isolation → place → paths

A refusal that the caller can mend therefore comes before "no capacity", which he cannot; but not
under overload, when calls are being refused one after the other: what is spent on one of them is
taken from those that run.  Then it comes after the fields.  For a small call that saves a third of
the processor time of a refusal, for a large one nearly all.

The place is taken before the paths are opened, so that a full server opens nothing.  From the place
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
from typing import TYPE_CHECKING, Any, Final, Protocol

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import request_fields, strict_json
from toolcell_server.execution import Execution
from toolcell_server.grant_compiler import compile_grant
from toolcell_server.policy import FLOORS
from toolcell_server.refusals import (
    ArgumentsNotJson,
    ArgumentsTooLarge,
    FieldNotSupported,
    IsolationBelowFloor,
)
from toolcell_server.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from toolcell_server.capacity import Capacity
    from toolcell_server.grants import Grant, OpenedMount
    from toolcell_server.isolation import Isolation
    from toolcell_server.limits import Limits
    from toolcell_server.policy import Policy
    from toolcell_server.registry import Tool
    from toolcell_server.request_fields import Request
    from toolcell_server.validation import Validation


# Why, and what to do.
_NOT_COUNTED: Final = (
    "the kernel gives cells on this host no seccomp listener, and without one nobody can count",
    "set no limits.file_operations in the call, in the tool and in the server's limits",
)


class Tools(Protocol):
    """
    Where tools are found.
    """

    def find_callable(self, name: str, version: str) -> Tool:
        """
        Raises:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """
    Admits calls.  Lives on one event loop.  Of its own it holds the grants of tools that get the
    same at every call.
    """

    tools: Tools
    policy: Policy
    validation: Validation
    isolation: Callable[[str], Isolation]  # of a bundle
    capacity: Capacity
    opener: Opener
    _grants: dict[tuple[str, str], tuple[Tool, Grant]] = field(default_factory=dict, init=False)

    async def admit(
        self, request: Request, time_remaining: float | None, principal: str = "", share: str = ""
    ) -> Execution:
        """
        An execution that may run; whoever gets it closes it.  `time_remaining` is that of its
        RPC, in seconds; None: no end.  With `validate_only` no place is taken: nothing will run.
        Places are shared fairly between `share`s, if there is no principal.

        Raises:
            CallRefused: one of its kinds; nothing ran, nothing is left open.
        """
        accepted = time.monotonic()
        request_fields.check(request)
        deadline = _deadline(request, accepted, time_remaining)
        wanted = Wanted(principal or share, request.tool, deadline)
        if not request.validate_only:
            self.capacity.check(wanted)
        tool = self.tools.find_callable(request.tool, request.version)
        limits = tool.limits.narrowed_by(request.limits)
        data = request.arguments_json or b"{}"
        arguments = await self._arguments(tool, data, limits.arguments_bytes)
        grant = self._grant(tool, request, arguments, limits)
        with contextlib.ExitStack() as resources:
            execution_id = str(uuid.uuid4())
            if not request.validate_only:
                self.capacity.reserve(execution_id, wanted)
                resources.callback(self.capacity.release, execution_id)
            mounts = await self.opener(grant, tool.bundle, resources) if grant.paths else ()
            return Execution(
                execution_id=execution_id,
                tool=tool,
                grant=dataclasses.replace(grant, mounts=mounts) if mounts else grant,
                arguments=data,
                accepted=accepted,
                call_id=request.call_id,
                principal=principal,
                request_id=request.request_id,
                deadline=deadline,
                labels=dict(request.labels),
                detached=request.detached,
                resources=resources.pop_all(),
            )

    async def _arguments(self, tool: Tool, data: bytes, maximum: int) -> dict[str, Any]:
        if len(data) > maximum:
            raise ArgumentsTooLarge(len(data), maximum)
        try:
            arguments = strict_json.parse(data, maximum)
        except strict_json.NotStrictJson as exc:
            raise ArgumentsNotJson(str(exc), exc.pointer) from None
        await self.validation.check(tool, arguments, data)
        return arguments

    def _grant(
        self, tool: Tool, request: Request, arguments: dict[str, Any], limits: Limits
    ) -> Grant:
        """
        The grant, if cells on this host are isolated enough for the operator, and this call's for
        tool and caller: report-only is the operator's word, and not theirs.
        """
        isolation = self.isolation(tool.bundle)
        grant = self._compiled(tool, request, arguments, limits)
        if limits.file_operations and not isolation.observed:
            raise FieldNotSupported("limits.file_operations", *_NOT_COUNTED)
        of_tool = FLOORS.get(tool.minimum_isolation, pb.ISOLATION_LEVEL_UNSPECIFIED)
        demanded = max(of_tool, request.minimum_isolation)
        needed = max(demanded, self.policy.minimum_isolation, _needed(grant, isolation))
        _check_isolation(isolation, needed)
        if grant.report_only:
            _check_isolation(isolation.of_call(report_only=True), demanded, report_only=True)
        if needed == grant.minimum_isolation:
            return grant
        return dataclasses.replace(grant, minimum_isolation=needed)

    def _compiled(
        self, tool: Tool, request: Request, arguments: dict[str, Any], limits: Limits
    ) -> Grant:
        """
        The grant, compiled once for calls that have nothing of their own in it.
        """
        if tool.paths or tool.domains or limits is not tool.limits or request.grants.ByteSize():
            return compile_grant(tool, self.policy, arguments, request.grants, limits)
        kept = self._grants.get((tool.name, tool.version))
        if kept is None or kept[0] is not tool:  # a reload brought another one
            kept = tool, compile_grant(tool, self.policy, {}, request.grants, limits)
            self._grants[tool.name, tool.version] = kept
        return kept[1]


def _check_isolation(
    isolation: Isolation, floor: pb.IsolationLevel.ValueType, *, report_only: bool = False
) -> None:
    """
    Raises:
        IsolationBelowFloor: it does not reach that level.
    """
    if missing := isolation.below(floor):
        have, wall = _level(isolation.level), _wall(missing.wall)
        raise IsolationBelowFloor(_level(floor), have, wall, report_only=report_only)


def _needed(grant: Grant, isolation: Isolation) -> pb.IsolationLevel.ValueType:
    """
    What cells without namespaces cannot enclose: programs outlive the process that started them,
    and a private copy of a file must have the file's name.  Names are answered in a network of the
    cell's own, unless it can be held to a proxy.
    """
    staged = any(path.access == pb.PATH_ACCESS_STAGED for path in grant.paths)
    networked = grant.domains and not isolation.proxied
    if staged or networked or grant.profile == "subprocess":
        return pb.ISOLATION_LEVEL_STRONG
    return pb.ISOLATION_LEVEL_UNSPECIFIED


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


def _level(level: pb.IsolationLevel.ValueType) -> str:
    return pb.IsolationLevel.Name(level).removeprefix("ISOLATION_LEVEL_").lower()


def _wall(wall: pb.Wall.ValueType) -> str:
    return pb.Wall.Name(wall).removeprefix("WALL_").lower()
