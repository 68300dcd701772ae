"""
Which of a server's tools a voice session offers, and when they have changed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import ToolcellError
from toolcell_client.formats import Toolset
from toolcell_client.loops.choosing import Listed, NoSuchTools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.formats import OfferedTool

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between attempts to watch


class Offering:
    """
    Tools that can be called, the newest version of each that is not deprecated; or a Toolset of the
    program's, which never changes.
    """

    def __init__(
        self,
        client: AsyncClient,
        tools: Toolset | Iterable[str],
        *,
        category: str = "",
        tags: Iterable[str] = (),
        session_id: str = "",
        fail: Callable[[Exception], None],
    ) -> None:
        self._client = client
        self._fixed = tools if isinstance(tools, Toolset) else None
        self._names = () if isinstance(tools, Toolset) else tuple(tools)
        self._which: dict[str, Any] = {
            "category": category,
            "tags": tuple(tags),
            "session_id": session_id,
        }
        self._session_id = session_id
        self._fail = fail
        self._stale = asyncio.Event()

    async def toolset(self) -> Toolset:
        """
        The tools now.  A name that cannot be offered is reported and left out.

        Raises:
            ToolcellError: the server refuses or does not answer.
        """
        if self._fixed is not None:
            return self._fixed
        listed = Listed()
        async for tool in self._client.list_tools(**self._which):
            listed.add(tool)
        for why in listed.missing(self._names):
            self._fail(NoSuchTools(why))
        wanted = [each for each in self._names or listed.newest if each in listed.newest]
        tools = listed.chosen(wanted) if wanted else ()
        return Toolset([each for each in tools if self._can_be_offered(each)])

    def _can_be_offered(self, tool: OfferedTool) -> bool:
        # Somebody may register a tool during a conversation; that must not end it.
        try:
            Toolset([tool]).definitions("openai-realtime")
        except ValueError as exc:
            self._fail(exc)
            return False
        return True

    async def watch(self) -> None:
        """
        Notice changes, for ever.
        """
        pause = FIRST_PAUSE
        while self._fixed is None:
            try:
                async for told in self._client.registry.watch(session_id=self._session_id):
                    pause = FIRST_PAUSE
                    if told.resume_token:  # not in the middle of a snapshot
                        self._stale.set()
            except ToolcellError as exc:
                self._fail(exc)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def follow(self, take: Callable[[Toolset], None]) -> None:
        """
        Hand out the tools after each change; many changes at once are one.
        """
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                take(await self.toolset())
            except ToolcellError as exc:
                self._fail(exc)


def one_of(
    names: tuple[str, ...], tools: Toolset | Sequence[str] | None
) -> Toolset | Sequence[str]:
    """
    The tools, from either way to say them.

    Raises:
        TypeError: `tools` is a text; names go in a list.
        ValueError: both ways were used.
    """
    if isinstance(tools, str):
        raise TypeError(f"tools are a list of names: tools=[{tools!r}]")
    if names and tools is not None:
        raise ValueError("name the tools one by one, or give tools=, not both")
    return names if tools is None else tools
