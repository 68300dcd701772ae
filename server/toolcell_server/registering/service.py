"""
The part of the gRPC face of ToolRegistryService that changes tools, and tells of changes.
"""

from __future__ import annotations

import contextlib
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import grpc
from toolcell.v1 import registry_pb2 as pb
from toolcell.v1.registry_pb2_grpc import ToolRegistryServiceServicer

from toolcell_server import pages, principal
from toolcell_server.porting import face
from toolcell_server.refusals import InvalidField, SwitchedOff, UnknownSession
from toolcell_server.registering.authority import Wanted
from toolcell_server.registering.faults import to_proto
from toolcell_server.registering.registrar import How
from toolcell_server.sessions.station import NoSessions, caller_in, used_by
from toolcell_server.tool import scope_to_proto, to_timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from toolcell_server.porting.face import Porting
    from toolcell_server.registering.history import Entry
    from toolcell_server.registering.registrar import Answer, Registrar
    from toolcell_server.registering.watching import Watching
    from toolcell_server.sessions.station import Station
    from toolcell_server.tool import Tool

MOST_DEFINITIONS: Final = 100  # of one request, as the contract says
MAXIMUM_REASON: Final = 256  # characters, as of `deprecated` in a manifest
_BYTES: Final = 2 * 2**20  # clients receive 4 MiB by default
_LARGE: Final = ("parameters_json", "returns_json", "description", "limits", "paths", "domains")
_LATEST: Final = 253402300799  # the last second that a timestamp can say

_Context = grpc.aio.ServicerContext[Any, Any]
_Change = pb.UnregisterToolRequest | pb.DeprecateToolRequest | pb.ReactivateToolRequest


class ChangingService(ToolRegistryServiceServicer):
    """
    Without a registrar nothing is registered at run time, and whoever tries hears so.
    """

    def __init__(
        self,
        registrar: Registrar | None,
        watching: Watching | None,
        porting: Porting | None = None,
        sessions: Station | None = None,
    ) -> None:
        self._registrar = registrar
        self._porting = porting
        self._watching = watching
        self._sessions = sessions or NoSessions()

    async def RegisterTools(  # noqa: N802  # the contract's name
        self, request: pb.RegisterToolsRequest, _context: _Context
    ) -> pb.RegisterToolsResponse:
        if not 1 <= len(request.definitions) <= MOST_DEFINITIONS:
            raise InvalidField("definitions", f"must be 1 to {MOST_DEFINITIONS}")
        how = How(request.all_or_nothing, request.replace, request.validate_only)
        with used_by(self._sessions, request.session_id, principal.current()) as caller:
            if request.session_id:
                _put_into_session(request.definitions)
            answers = await self._switched_on.register(request.definitions, caller, how)
            self._check_lasts(request.session_id, caller)
        response = pb.RegisterToolsResponse(definitions=map(_answered, answers))
        _fit(tool for definition in response.definitions for tool in definition.tools)
        return response

    def _check_lasts(self, session_id: str, caller: principal.Principal) -> None:
        """
        Raises:
            UnknownSession: the session has ended meanwhile, and what was registered for it is gone.
        """
        try:
            caller_in(self._sessions, session_id, caller)
        except UnknownSession:
            self._switched_on.session_ended(caller.name, session_id)
            raise

    async def UnregisterTool(  # noqa: N802  # the contract's name
        self, request: pb.UnregisterToolRequest, _context: _Context
    ) -> pb.UnregisterToolResponse:
        tools = self._switched_on.unregister(_named(request), principal.current())
        return pb.UnregisterToolResponse(tools=_described(tools))

    async def DeprecateTool(  # noqa: N802  # the contract's name
        self, request: pb.DeprecateToolRequest, _context: _Context
    ) -> pb.DeprecateToolResponse:
        caller, why, until = principal.current(), _reason(request.reason), _sunset(request)
        tools = self._switched_on.deprecate(_named(request), caller, why, until)
        return pb.DeprecateToolResponse(tools=_described(tools))

    async def ReactivateTool(  # noqa: N802  # the contract's name
        self, request: pb.ReactivateToolRequest, _context: _Context
    ) -> pb.ReactivateToolResponse:
        tools = self._switched_on.deprecate(_named(request), principal.current(), "", 0.0)
        return pb.ReactivateToolResponse(tools=_described(tools))

    async def ExportTools(  # noqa: N802  # the contract's name
        self, request: pb.ExportToolsRequest, _context: _Context
    ) -> pb.ExportToolsResponse:
        return face.export(self._ports.exporter, request, principal.current())

    async def ImportTools(  # noqa: N802  # the contract's name
        self, request: pb.ImportToolsRequest, _context: _Context
    ) -> pb.ImportToolsResponse:
        return await face.bring(self._ports.importer, request, principal.current())

    async def WatchTools(  # noqa: N802  # the contract's name
        self, request: pb.WatchToolsRequest, _context: _Context
    ) -> AsyncIterator[pb.WatchToolsResponse]:
        if self._watching is None:
            raise SwitchedOff("watching tools")
        caller = caller_in(self._sessions, request.session_id, principal.current())
        watched = self._watching.watch(request.resume_token, caller)
        async with contextlib.aclosing(watched):
            async for told in watched:
                yield told

    async def ListToolHistory(  # noqa: N802  # the contract's name
        self, request: pb.ListToolHistoryRequest, _context: _Context
    ) -> pb.ListToolHistoryResponse:
        size, filters = pages.size(request.page_size), {"name": request.name}
        number = pages.number_before(request.page_token, filters)
        found = self._switched_on.history(number, size + 1, request.name, principal.current())
        response = pb.ListToolHistoryResponse(entries=map(_told, found[:size]))
        if len(found) > size:
            response.next_page_token = pages.encode(str(found[size - 1].number), filters)
        return response

    @property
    def _ports(self) -> Porting:
        if self._porting is None:
            raise SwitchedOff("registering tools", "registry.enabled = true in its settings")
        return self._porting

    @property
    def _switched_on(self) -> Registrar:
        if self._registrar is None:
            raise SwitchedOff("registering tools", "registry.enabled = true in its settings")
        return self._registrar


def _put_into_session(definitions: Iterable[pb.ToolDefinition]) -> None:
    """
    What says nothing of its scope is for the session that was named.
    """
    for definition in definitions:
        definition.scope = definition.scope or pb.TOOL_SCOPE_SESSION


def _answered(answer: Answer) -> pb.RegisteredDefinition:
    return pb.RegisteredDefinition(
        tools=[tool.to_proto() for tool in answer.tools],
        faults=[to_proto(fault) for fault in answer.faults],
        skipped=[to_proto(fault) for fault in answer.skipped],
    )


def _described(tools: Sequence[Tool]) -> list[pb.Tool]:
    described = [tool.to_proto() for tool in tools]
    _fit(described)
    return described


def _fit(tools: Iterable[pb.Tool]) -> None:
    """
    Leave of those for which a message has no room what tells which they are.
    """
    room = _BYTES
    for tool in tools:
        room -= tool.ByteSize()
        if room < 0:
            for field in _LARGE:
                tool.ClearField(field)


def _named(request: _Change) -> Wanted:
    if not request.name:
        raise InvalidField("name", "must name a tool")
    return Wanted(
        *(request.scope, request.principal, request.session), request.name, request.version
    )


def _reason(reason: str) -> str:
    if not 1 <= len(reason) <= MAXIMUM_REASON:
        raise InvalidField("reason", f"must have 1 to {MAXIMUM_REASON} characters")
    if any(unicodedata.category(character) == "Cc" for character in reason):
        raise InvalidField("reason", "must not have control characters")
    return reason


def _sunset(request: pb.DeprecateToolRequest) -> float:
    if not request.HasField("sunset_time"):
        return 0.0
    seconds = request.sunset_time.seconds + request.sunset_time.nanos / 1e9
    if not 0 < seconds < _LATEST:
        raise InvalidField("sunset_time", "must be after 1970 and before the year 10000")
    return seconds


def _told(entry: Entry) -> pb.ToolHistoryEntry:
    return pb.ToolHistoryEntry(
        time=to_timestamp(entry.time),
        kind=pb.ToolChangeKind.Value(f"TOOL_CHANGE_KIND_{entry.what.upper()}"),
        name=entry.name,
        version=entry.version,
        scope=scope_to_proto(entry.scope),
        principal=entry.scope.principal,
        session=entry.scope.session,
        changed_by=entry.by,
        reason=entry.reason,
        edition=entry.edition,
    )
