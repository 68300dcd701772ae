"""
The registry of a fake server.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import grpc
from toolcell.v1 import registry_pb2, registry_pb2_grpc

from toolcell_client.testing.pages import page
from toolcell_client.testing.refusing import Refusing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def unknown_tool(name: str, known: Iterable[str]) -> Refusing:
    """
    The refusal of a tool that is not there, with the names of similar ones.
    """
    matches = ",".join(difflib.get_close_matches(name, known))
    return Refusing(
        code=grpc.StatusCode.NOT_FOUND,
        reason="UNKNOWN_TOOL",
        message=f"no tool {name!r} is registered",
        metadata={
            "tool": name,
            "close_matches": matches,
            "category": "user",
            "retryable": "false",
            "hint": f"Use one of these: {matches}." if matches else "List the tools.",
        },
    )


class FakeRegistryService(registry_pb2_grpc.ToolRegistryServiceServicer):
    """
    Lists scripted tools.
    """

    def __init__(self, tools: Mapping[str, registry_pb2.Tool]) -> None:
        self._tools = tools

    def ListTools(  # noqa: N802  # gRPC's name
        self,
        request: registry_pb2.ListToolsRequest,
        context: Any,  # noqa: ARG002  # gRPC's
    ) -> registry_pb2.ListToolsResponse:
        found = [
            tool
            for _, tool in sorted(self._tools.items())
            if request.category in ("", tool.category)
            and request.state in (0, tool.state)
            and set(request.tags) <= set(tool.tags)
        ]
        tools, token = page(found, request.page_size, request.page_token)
        return registry_pb2.ListToolsResponse(tools=tools, next_page_token=token)

    def GetTool(  # noqa: N802  # gRPC's name
        self, request: registry_pb2.GetToolRequest, context: Any
    ) -> registry_pb2.GetToolResponse:
        tool = self._tools.get(request.name)
        if tool is None:
            unknown_tool(request.name, self._tools).abort(context)
        return registry_pb2.GetToolResponse(tool=tool)

    def SearchTools(  # noqa: N802  # gRPC's name
        self,
        request: registry_pb2.SearchToolsRequest,
        context: Any,  # noqa: ARG002  # gRPC's
    ) -> registry_pb2.SearchToolsResponse:
        """
        Those that have most of the words, however they stand there.
        """
        words = request.query.lower().split()
        texts = {n: f"{n} {tool.description}".lower() for n, tool in sorted(self._tools.items())}
        counts = {name: sum(word in text for word in words) for name, text in texts.items()}
        best = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])
        found = [
            registry_pb2.FoundTool(tool=self._tools[n], score=counts[n] / counts[best[0]])
            for n in best[: request.max_results or 5]
        ]
        return registry_pb2.SearchToolsResponse(tools=found)
