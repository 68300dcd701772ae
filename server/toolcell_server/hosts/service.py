"""
The gRPC face of ToolHostService.

Theory of operation.  Each stream is three tasks: one reads what the host says, one writes what is
sent to it, one asks for signs of life; and whoever ends first ends the stream.  It may be read as
slowly as the host writes, and written as slowly as the host reads: nobody else waits for either.
What a host says costs the loop that everybody shares; beyond a burst it waits for its turn.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import grpc
from toolcell.v1 import host_pb2 as pb
from toolcell.v1.host_pb2_grpc import (
    ToolHostServiceServicer,
    add_ToolHostServiceServicer_to_server,
)

from toolcell_server import principal
from toolcell_server.durations import to_duration
from toolcell_server.hosts.owner import owner_of
from toolcell_server.pace import Pace
from toolcell_server.refusals import CallRefused, HostProtocolBroken, HostSilent, SwitchedOff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.hosts.host import Host
    from toolcell_server.hosts.hosts import Hosts
    from toolcell_server.settings.hosts import HostsSettings

NAME: Final = pb.DESCRIPTOR.services_by_name["ToolHostService"].full_name
OFFER_SECONDS: Final = 10.0  # arbitrary; until then the stream of whoever offers nothing is kept
# Of the loop that everybody shares; a message is a unit of some 50 µs, and so are 16 KiB of it.
MESSAGES_AT_ONCE: Final = 4096
MESSAGES_A_SECOND: Final = 4096

_Context = grpc.aio.ServicerContext[Any, Any]


class HostService(ToolHostServiceServicer):
    """
    Serves hosts; without `hosts` it refuses them.  `authenticated`: callers are asked who they are.
    """

    def __init__(self, hosts: Hosts | None, *, authenticated: bool) -> None:
        self._hosts = hosts
        self._authenticated = authenticated

    # A coroutine that writes: gRPC takes either, and its types know one.
    async def HostTools(  # type: ignore[override]  # noqa: N802  # the contract's name
        self, requests: AsyncIterator[pb.HostToolsRequest], context: _Context
    ) -> None:
        if self._hosts is None:
            raise SwitchedOff("hosting tools", "hosts.enabled = true in its settings")
        said = requests.__aiter__()
        host = await self._connected(self._hosts, said)
        try:
            await context.write(pb.HostToolsResponse(welcome=_welcome(self._hosts, host)))
            await _serve(host, self._hosts.settings, said, context)
        except CallRefused as refusal:
            host.end(refusal)
        finally:
            self._hosts.disconnect(host)
        if host.refusal is not None:
            raise host.refusal

    async def _connected(self, hosts: Hosts, said: AsyncIterator[pb.HostToolsRequest]) -> Host:
        try:
            async with asyncio.timeout(OFFER_SECONDS):
                first = await anext(said)
        except TimeoutError:
            raise HostSilent from None
        except StopAsyncIteration:
            raise HostProtocolBroken("the stream ended without an offer") from None
        if first.WhichOneof("message") != "offer" or first.call:
            raise HostProtocolBroken("the first message was no offer")
        caller = principal.current()
        owner = owner_of(caller, first.offer.scope, authenticated=self._authenticated)
        return await hosts.connect(owner, first.offer, caller)


def add_to(server: grpc.aio.Server, service: HostService) -> None:
    """
    Serve it.
    """
    add_ToolHostServiceServicer_to_server(service, server)


def _welcome(hosts: Hosts, host: Host) -> pb.HostWelcome:
    at = hosts.settings
    return pb.HostWelcome(
        tools=[tool.to_proto() for tool in hosts.registered(host)],
        heartbeat=to_duration(at.heartbeat_seconds),
        window_bytes=at.window_bytes,
        cancel_grace=to_duration(at.cancel_grace_seconds),
        concurrency=host.concurrency,
    )


async def _serve(
    host: Host,
    settings: HostsSettings,
    said: AsyncIterator[pb.HostToolsRequest],
    context: _Context,
) -> None:
    """
    Until the stream ends, whoever ends it.
    """
    tasks = [
        asyncio.create_task(_read(host, said)),
        asyncio.create_task(_write(host, context)),
        asyncio.create_task(_ask(host, settings)),
        asyncio.create_task(host.ended.wait()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()  # a refusal


async def _read(host: Host, said: AsyncIterator[pb.HostToolsRequest]) -> None:
    pace = Pace(MESSAGES_AT_ONCE, MESSAGES_A_SECOND)
    async for request in said:
        host.hear(request)
        cost = 1 + request.ByteSize() // 16_384
        if wait := pace.take(time.monotonic(), cost):
            await asyncio.sleep(wait)


async def _write(host: Host, context: _Context) -> None:
    while True:
        await context.write(await host.next())


async def _ask(host: Host, settings: HostsSettings) -> None:
    """
    Ask for signs of life.  A stream that has grown old is told so, gets a heartbeat's time in which
    its client can offer the same in another one, and ends when its calls have.
    """
    old = time.monotonic() + settings.stream_seconds
    told = False
    while host.ask():
        await asyncio.sleep(settings.heartbeat_seconds)
        if told:
            host.leave()
        elif time.monotonic() >= old:
            told = True
            host.drain()
    raise HostSilent
