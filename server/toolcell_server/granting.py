"""
The station that decides what a call gets: its grant, if cells are isolated enough for it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.grant_compiler import compile_grant
from toolcell_server.hosts.narrowing import check_narrowing
from toolcell_server.per_tool import PerTool
from toolcell_server.policy import FLOORS
from toolcell_server.refusals import FieldNotSupported, IsolationBelowFloor

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.gates import Call
    from toolcell_server.grants import Grant
    from toolcell_server.isolation import Isolation
    from toolcell_server.limits import Limits
    from toolcell_server.policy import Policy
    from toolcell_server.registry import Tool
    from toolcell_server.request_fields import Request

# Why, and what to do.
_NOT_COUNTED: Final = (
    "the kernel gives cells on this host no seccomp listener, and without one nobody can count",
    "set no limits.file_operations in the call, in the tool and in the server's limits",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """
    Grants calls what they get.  Of its own it holds the grants of tools that get the same at every
    call.
    """

    policy: Policy
    isolation: Callable[[str], Isolation]  # of a bundle
    _grants: PerTool[Grant] = field(default_factory=PerTool, init=False)

    def grant(self, call: Call) -> Grant:
        """
        The grant, if cells on this host are isolated enough for the operator, and this call's for
        tool and caller: report-only is the operator's word, and not theirs.

        Raises:
            CallRefused: it may not get what it needs.
        """
        tool, request, limits = call.tool, call.request, call.limits
        isolation = self.isolation(tool.bundle)
        if tool.hosted:
            check_narrowing(request)
        grant = self._compiled(tool, request, call.arguments, limits)
        if limits.file_operations and not isolation.observed:
            raise FieldNotSupported("limits.file_operations", *_NOT_COUNTED)
        of_tool = FLOORS.get(tool.minimum_isolation, pb.ISOLATION_LEVEL_UNSPECIFIED)
        demanded = max(of_tool, request.minimum_isolation)
        # That a tool may live at a host is the operator's word too, and said for itself.
        floor = demanded if tool.hosted else self.policy.minimum_isolation
        needed = max(demanded, floor, _needed(grant, isolation))
        _check_isolation(isolation, needed, hosted=bool(tool.hosted))
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
        if (
            tool.paths
            or tool.domains
            or tool.carried
            or limits is not tool.limits
            or request.grants.ByteSize()
        ):
            return compile_grant(tool, self.policy, arguments, request.grants, limits)
        return self._grants.get(
            tool, lambda tool: compile_grant(tool, self.policy, {}, request.grants, limits)
        )


def _check_isolation(
    isolation: Isolation,
    floor: pb.IsolationLevel.ValueType,
    *,
    report_only: bool = False,
    hosted: bool = False,
) -> None:
    """
    Raises:
        IsolationBelowFloor: it does not reach that level.
    """
    if missing := isolation.below(floor):
        have, wall = _level(isolation.level), _wall(missing.wall)
        raise IsolationBelowFloor(_level(floor), have, wall, report_only=report_only, hosted=hosted)


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


def _level(level: pb.IsolationLevel.ValueType) -> str:
    return pb.IsolationLevel.Name(level).removeprefix("ISOLATION_LEVEL_").lower()


def _wall(wall: pb.Wall.ValueType) -> str:
    return pb.Wall.Name(wall).removeprefix("WALL_").lower()
