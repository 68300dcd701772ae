"""
The gRPC face of ToolRegistryService.

A page token holds the place of the last tool that was sent: name, version and bundle.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import grpc
from toolcell.v1 import registry_pb2 as pb
from toolcell.v1.registry_pb2_grpc import add_ToolRegistryServiceServicer_to_server

from toolcell_server import pages, principal, registry, versions
from toolcell_server.refusals import BadPageToken, InvalidField
from toolcell_server.registering.service import ChangingService

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from toolcell_server.principal import Principal
    from toolcell_server.registering.registrar import Registrar
    from toolcell_server.registering.watching import Watching
    from toolcell_server.tool import Tool

NAME: Final = pb.DESCRIPTOR.services_by_name["ToolRegistryService"].full_name
# A page is cut short here: clients receive 4 MiB by default, and one schema can have 64 KiB.
_PAGE_BYTES: Final = 2 * 2**20

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
        self, tools: Catalogue, registrar: Registrar | None = None, watching: Watching | None = None
    ) -> None:
        super().__init__(registrar, watching)
        self._tools = tools

    async def ListTools(  # noqa: N802  # the contract's name
        self, request: pb.ListToolsRequest, _context: _Context
    ) -> pb.ListToolsResponse:
        size = pages.size(request.page_size)
        filters = {
            "category": request.category,
            "tags": sorted(set(request.tags)),
            "state": request.state,
        }
        after = pages.decode(request.page_token, filters)
        caller = principal.current()
        rest = self._after(after, caller) if after else self._tools.tools(caller)
        matching = (tool for tool in rest if _matches(tool, request))
        chosen, more = _fitting(matching, size)
        response = pb.ListToolsResponse(tools=[described for _, described in chosen])
        if more:
            last, _ = chosen[-1]
            response.next_page_token = pages.encode(_position(last), filters)
        return response

    async def GetTool(  # noqa: N802  # the contract's name
        self, request: pb.GetToolRequest, _context: _Context
    ) -> pb.GetToolResponse:
        if not request.name:
            raise InvalidField("name", "must name a tool")
        found = self._tools.find(request.name, request.version, principal.current())
        return pb.GetToolResponse(tool=found.to_proto())

    def _after(self, position: str, caller: Principal) -> Iterator[Tool]:
        """
        The tools that come after a position, whether or not what stood there is still there.
        """
        try:
            name, version, bundle = map(str, json.loads(position))
        except (ValueError, TypeError):  # whoever knows how tokens are made can make one
            raise BadPageToken("is malformed") from None
        place = (versions.order(version), bundle)

        def sent(tool: Tool) -> bool:
            return tool.name == name and registry.place(tool) >= place

        return itertools.filterfalse(sent, self._tools.tools(caller, name))


def add_to(server: grpc.aio.Server, service: RegistryService) -> None:
    """
    Serve it.
    """
    add_ToolRegistryServiceServicer_to_server(service, server)


def _fitting(tools: Iterable[Tool], size: int) -> tuple[list[tuple[Tool, pb.Tool]], bool]:
    """
    As many tools as a page holds, at least one, described; and whether there are more.
    """
    chosen: list[tuple[Tool, pb.Tool]] = []
    room = _PAGE_BYTES
    for tool in tools:
        described = tool.to_proto()
        room -= described.ByteSize()
        if chosen and (len(chosen) == size or room < 0):
            return chosen, True
        chosen.append((tool, described))
    return chosen, False


def _matches(tool: Tool, request: pb.ListToolsRequest) -> bool:
    return (
        request.category in ("", tool.category)
        and set(request.tags) <= set(tool.tags)
        and request.state in (pb.TOOL_STATE_UNSPECIFIED, tool.state)
    )


def _position(tool: Tool) -> str:
    return json.dumps([tool.name, tool.version, tool.bundle])
