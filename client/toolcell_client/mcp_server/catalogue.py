"""
The tools that one principal may call, as they are now.

Theory of operation.  A client lists tools seldom and calls them often, and each call looks its tool
up.  So what was listed is kept, for as long as the server's stream of changes is open and silent,
and half a minute at most: rights can change without a tool changing.  While that stream is down,
nothing is kept.  Many changes at once, as of an import, are told as one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import ToolcellError
from toolcell_client.mcp_server.choosing import Choice, chosen

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell.v1 import registry_pb2

    from toolcell_client.async_client import AsyncClient

Tools = tuple["registry_pb2.Tool", ...]

KEPT_SECONDS = 30.0  # arbitrary
GATHER_SECONDS = 0.2  # arbitrary; how long changes are gathered before they are told
RETRY_SECONDS = 5.0  # arbitrary; between two attempts to follow changes
PAGE_TOOLS = 500  # as many as the server lists at once


class Catalogue:
    """
    Lists tools, and tells `listeners` when others would be listed.
    """

    def __init__(self, client: AsyncClient, choice: Choice) -> None:
        self.listeners: set[Callable[[], None]] = set()
        self._client = client
        self._choice = choice
        self._kept: Tools | None = None
        self._until = 0.0
        self._following = False
        self._task: asyncio.Task[None] | None = None
        self._telling: asyncio.TimerHandle | None = None

    async def tools(self) -> Tools:
        """
        By name.

        Raises:
            ToolcellError: the server does not list them.
        """
        self.follow()
        if self._kept is not None and time.monotonic() < self._until:
            return self._kept
        following = self._following
        self._kept, self._until = None, time.monotonic() + KEPT_SECONDS
        listed = [each async for each in self._client.list_tools(page_size=PAGE_TOOLS)]
        tools = chosen(listed, self._choice)
        if following and self._following and self._telling is None:
            self._kept = tools
        return tools

    async def tool(self, name: str) -> registry_pb2.Tool | None:
        """
        Raises:
            ToolcellError: the server does not list any.
        """
        return next((each for each in await self.tools() if each.name == name), None)

    def follow(self) -> None:
        """
        Begin to follow changes, unless that is so already.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    async def aclose(self) -> None:
        """
        Follow no more.
        """
        if self._telling is not None:
            self._telling.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _follow(self) -> None:
        while True:
            try:
                changes: Any = self._client.registry.watch()
                async with contextlib.aclosing(changes) as told:
                    async for each in told:
                        self._take(each)
            except ToolcellError:  # whatever it is, nothing is kept meanwhile
                await self._lost()
            finally:
                self._following, self._kept = False, None

    async def _lost(self) -> None:
        self._following, self._kept = False, None
        await asyncio.sleep(RETRY_SECONDS)

    def _take(self, told: registry_pb2.WatchToolsResponse) -> None:
        if told.HasField("snapshot"):
            self._following = self._following or told.snapshot.last
            return
        self._kept = None
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._kept = None
        for listener in list(self.listeners):
            listener()
