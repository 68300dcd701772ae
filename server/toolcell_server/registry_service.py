"""
The gRPC face of ToolRegistryService.

A page token holds the place of the last tool that was sent: name, version and bundle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import grpc
from toolcell.v1 import registry_pb2 as pb
from toolcell.v1 import statistics_pb2
from toolcell.v1.registry_pb2_grpc import add_ToolRegistryServiceServicer_to_server

from toolcell_server import pages, principal, tool_pages
from toolcell_server.refusals import InvalidField, SwitchedOff
from toolcell_server.registering.service import ChangingService
from toolcell_server.searching import face
from toolcell_server.sessions.station import caller_in
from toolcell_server.statistics.statistics import Statistics
from toolcell_server.statistics.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from toolcell_server.porting.face import Porting
    from toolcell_server.principal import Principal
    from toolcell_server.registering.registrar import Registrar
    from toolcell_server.registering.supply import Supply
    from toolcell_server.registering.watching import Watching
    from toolcell_server.searching.search import Search
    from toolcell_server.sessions.station import Station
    from toolcell_server.tool import Tool

NAME: Final = pb.DESCRIPTOR.services_by_name["ToolRegistryService"].full_name
# A page is cut short here: clients receive 4 MiB by default, and one schema can have 64 KiB.
_PAGE_BYTES: Final = 2 * 2**20

_MOST_LOOKED_AT: Final = 2_000  # tools, for one page; a filter may match none of ten thousand

_Context = grpc.aio.ServicerContext[Any, Any]


class Catalogue(Protocol):
    """
    The tools that a caller may know of.
    """

    def find(self, name: str, version: str, principal: Principal, /) -> Tool:
        """
        Raises:
            CallRefused: there is none, or none for this caller.
        """
        ...

    def tools(self, principal: Principal, first: str = "", /) -> Iterator[Tool]:
        """
        All of them, from a name on: by name, then newest version first.
        """
        ...


class RegistryService(ChangingService):
    """
    Answers what the caller can call, and changes what was registered.
    """

    def __init__(
        self,
        tools: Catalogue,
        registrar: Registrar | None = None,
        watching: Watching | None = None,
        *,
        supply: Supply | None = None,
        search: Search | None = None,
        statistics: Statistics | None = None,
        porting: Porting | None = None,
        sessions: Station | None = None,
    ) -> None:
        super().__init__(registrar, watching, porting, sessions)
        self._tools = tools
        self._supply = supply
        self._search = search
        self._telling = Telling(tools, statistics or Statistics())

    async def ListTools(  # noqa: N802  # the contract's name
        self, request: pb.ListToolsRequest, _context: _Context
    ) -> pb.ListToolsResponse:
        size = pages.size(request.page_size)
        filters = {
            "category": request.category,
            "tags": sorted(set(request.tags)),
            "state": request.state,
            "session_id": request.session_id,
        }
        after = pages.decode(request.page_token, filters)
        caller = self._caller(request.session_id)
        rest = tool_pages.after(after, lambda name: self._tools.tools(caller, name))
        chosen, last = _fitting(rest, size, lambda tool: _matches(tool, request))
        response = pb.ListToolsResponse(tools=chosen)
        if last is not None:
            response.next_page_token = pages.encode(tool_pages.position(last), filters)
        return response

    async def GetTool(  # noqa: N802  # the contract's name
        self, request: pb.GetToolRequest, _context: _Context
    ) -> pb.GetToolResponse:
        if not request.name:
            raise InvalidField("name", "must name a tool")
        found = self._tools.find(request.name, request.version, self._caller(request.session_id))
        return pb.GetToolResponse(tool=found.to_proto())

    async def GetToolStats(  # noqa: N802  # the contract's name
        self, request: statistics_pb2.GetToolStatsRequest, _context: _Context
    ) -> statistics_pb2.GetToolStatsResponse:
        return self._telling.tell(request, principal.current())

    async def ReloadTools(  # noqa: N802  # the contract's name
        self, request: pb.ReloadToolsRequest, _context: _Context
    ) -> pb.ReloadToolsResponse:
        assert self._supply
        return await self._supply.reload(request.bundle, principal.current())

    async def UploadCode(  # noqa: N802  # the contract's name
        self, request: pb.UploadCodeRequest, _context: _Context
    ) -> pb.UploadCodeResponse:
        assert self._supply
        return await self._supply.upload(request, principal.current())

    async def SearchTools(  # noqa: N802  # the contract's name
        self, request: pb.SearchToolsRequest, _context: _Context
    ) -> pb.SearchToolsResponse:
        if self._search is None:
            raise SwitchedOff("searching tools")
        return await face.answer(self._search, request, self._caller(request.session_id))

    def _caller(self, session_id: str) -> Principal:
        return caller_in(self._sessions, session_id, principal.current())


def add_to(server: grpc.aio.Server, service: RegistryService) -> None:
    """
    Serve it.
    """
    add_ToolRegistryServiceServicer_to_server(service, server)


def _fitting(
    tools: Iterable[Tool], size: int, matches: Callable[[Tool], bool]
) -> tuple[list[pb.Tool], Tool | None]:
    """
    As many tools that match as a page holds, described; and the last that was looked at, if there
    are more.
    """
    chosen: list[pb.Tool] = []
    room, last = _PAGE_BYTES, None
    for looked_at, tool in enumerate(tools):
        if looked_at == _MOST_LOOKED_AT:
            return chosen, last
        if matches(tool):
            described = tool.to_proto()
            room -= described.ByteSize()
            if chosen and (len(chosen) == size or room < 0):
                return chosen, last
            chosen.append(described)
        last = tool
    return chosen, None


def _matches(tool: Tool, request: pb.ListToolsRequest) -> bool:
    return (
        request.category in ("", tool.category)
        and set(request.tags) <= set(tool.tags)
        and request.state in (pb.TOOL_STATE_UNSPECIFIED, tool.state)
    )
