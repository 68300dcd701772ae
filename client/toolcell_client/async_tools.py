"""
What a client asks about tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from toolcell.v1 import registry_pb2, statistics_pb2

from toolcell_client.requests import tools_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from toolcell_client.async_connection import AsyncConnection


class AsyncTools:
    """
    Asks over a connection.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list_tools(
        self,
        *,
        category: str = "",
        tags: Iterable[str] = (),
        state: str | int = "",
        page_size: int = 0,
        session_id: str = "",
    ) -> AsyncIterator[registry_pb2.Tool]:
        """
        Tools by name, newest version first; `state` is "available", "broken" or "disabled";
        those of a session of this principal, too, if one is named.
        """
        request = tools_page(category, tags, state, page_size, session_id)
        while True:
            page = await self._connection.ask(self._connection.registry.ListTools, request)
            for tool in page.tools:
                yield tool
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_tool(
        self, name: str, version: str = "", *, session_id: str = ""
    ) -> registry_pb2.Tool:
        request = registry_pb2.GetToolRequest(name=name, version=version, session_id=session_id)
        answer = await self._connection.ask(self._connection.registry.GetTool, request)
        return cast("registry_pb2.Tool", answer.tool)

    async def tool_stats(
        self, name: str = "", version: str = "", *, page_size: int = 0
    ) -> AsyncIterator[statistics_pb2.ToolStats]:
        """
        What is known of tools from the calls that they had: of all, of one, or of one version.
        """
        request = statistics_pb2.GetToolStatsRequest(
            name=name, version=version, page_size=page_size
        )
        while True:
            page = await self._connection.ask(self._connection.registry.GetToolStats, request)
            for stats in page.stats:
                yield stats
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def search_tools(
        self,
        query: str,
        *,
        max_results: int = 0,
        category: str = "",
        tags: Iterable[str] = (),
        session_id: str = "",
    ) -> registry_pb2.SearchToolsResponse:
        """
        The tools that are most useful for what somebody says in his own words, the best first: five
        unless `max_results` says otherwise.

        Raises:
            InvalidField: the query is empty or too long.
        """
        request = registry_pb2.SearchToolsRequest(
            query=query,
            max_results=max_results,
            category=category,
            tags=tags,
            session_id=session_id,
        )
        answer = await self._connection.ask(self._connection.registry.SearchTools, request)
        return cast("registry_pb2.SearchToolsResponse", answer)
