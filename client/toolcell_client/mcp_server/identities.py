"""
On whose behalf the bridge speaks.

Theory of operation.  An identity is a connection to the toolcell server with one token, and what
that principal may call.  Over stdio, and where an operator shares one, there is the bridge's own.
Else each HTTP request brings its token, and the bridge asks the server whether it is good, at most
once a minute for each; the server judges every single call again.  Tokens are known here by their
SHA-256.  Identities that nobody uses make room for others, the longest unused first.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self

from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged

from toolcell_client.async_client import AsyncClient
from toolcell_client.errors import NotAuthenticated
from toolcell_client.mcp_server.catalogue import Catalogue
from toolcell_client.mcp_server.open_sessions import OpenSessions

if TYPE_CHECKING:
    from toolcell_client.async_stream import AsyncStream
    from toolcell_client.mcp_server.choosing import Choice
    from toolcell_client.options import ClientOptions

MOST_IDENTITIES = 1000  # arbitrary; each has a connection
GOOD_SECONDS = 60.0  # arbitrary; how long a token that was good is not asked about again
MOST_QUESTIONS = 16  # arbitrary; tokens that are asked about at once


class TooManyIdentities(Exception):  # noqa: N818  # names what happened
    """
    Raised when more principals use the bridge at once than it has room for.
    """


class Identity:
    """
    One principal.  `key` tells it from others and is no secret.
    """

    def __init__(self, key: str, client: AsyncClient, choice: Choice) -> None:
        self.key = key
        self.client = client
        self.catalogue = Catalogue(client, choice)
        self.good_until = 0.0
        self.uses = 0
        self.running: set[AsyncStream] = set()
        self.sessions = OpenSessions()
        bus = InMemorySubscriptionBus()
        self.listen = ListenHandler(bus)
        self._publishing: set[asyncio.Task[None]] = set()
        self.catalogue.listeners.add(lambda: self._publish(bus))

    def __enter__(self) -> Self:
        self.uses += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.uses -= 1

    async def aclose(self) -> None:
        """
        End what still runs on its behalf.
        """
        self.listen.close()
        await self.catalogue.aclose()
        await self.client.aclose()

    def _publish(self, bus: InMemorySubscriptionBus) -> None:
        task = asyncio.create_task(bus.publish(ToolsListChanged()))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)


class Identities:
    """
    All of them.  `options` are those of the bridge's own, with its token if it has one.
    """

    def __init__(self, options: ClientOptions, choice: Choice) -> None:
        self.own = Identity("", AsyncClient(**_keywords(options)), choice)
        self._options = options
        self.choice = choice
        self._by_key: dict[str, Identity] = {}
        self._asking = asyncio.Semaphore(MOST_QUESTIONS)

    async def of_token(self, token: str) -> Identity:
        """
        Whom a token belongs to, as long as the server says that it is good.

        Raises:
            NotAuthenticated: it is not.
            TooManyIdentities: there is no room for one more.
            ToolcellError: the server does not answer.
            ValueError: it is no token, or may not be sent to that server.
        """
        key = hashlib.sha256(token.encode()).hexdigest()
        found = self._by_key.pop(key, None)
        if found is None:
            await self._make_room()
            # Another request with this token may have been here meanwhile.
            found = self._by_key.pop(key, None) or Identity(key, self._client(token), self.choice)
        self._by_key[key] = found  # the last one used is the last one here
        if time.monotonic() >= found.good_until:
            await self._ask(found)
        return found

    async def end_work(self) -> None:
        """
        End the streams of changes, and cancel what runs, of everybody: who waits is answered.
        """
        everybody = (self.own, *self._by_key.values())
        for each in everybody:
            each.listen.close()
        running = [stream.cancel() for each in everybody for stream in each.running]
        await asyncio.gather(*running, return_exceptions=True)

    async def aclose(self) -> None:
        """
        End what still runs, for whomever.
        """
        everybody = (self.own, *self._by_key.values())
        await asyncio.gather(*(each.aclose() for each in everybody), return_exceptions=True)

    async def _ask(self, identity: Identity) -> None:
        try:
            with identity:
                async with self._asking:
                    async for _ in identity.client.list_tools(page_size=1):
                        break
        except NotAuthenticated:
            if not identity.uses:  # else somebody asks the same at this moment
                await self._forget(identity)
            raise
        identity.good_until = time.monotonic() + GOOD_SECONDS

    async def _make_room(self) -> None:
        if len(self._by_key) < MOST_IDENTITIES:
            return
        unused = next((each for each in self._by_key.values() if not each.uses), None)
        if unused is None:
            raise TooManyIdentities
        await self._forget(unused)

    async def _forget(self, identity: Identity) -> None:
        if self._by_key.get(identity.key) is identity:
            del self._by_key[identity.key]
        await identity.aclose()

    def _client(self, token: str) -> AsyncClient:
        return AsyncClient(**{**_keywords(self._options), "token": token, "token_file": ""})


def _keywords(options: ClientOptions) -> dict[str, Any]:
    return {each.name: getattr(options, each.name) for each in fields(options) if each.init}
