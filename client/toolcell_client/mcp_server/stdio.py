"""
Serves one client over standard input and output.

Theory of operation.  The SDK keeps the two streams for itself: while it serves, descriptor 1 is
standard error, so that whatever prints by mistake harms nothing.  At the end of the input it
cancels the requests that still run, and each cancels its execution.  A signal does the same, but
the thread that reads the input cannot be woken: the process ends without it, once all is closed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from mcp.server.stdio import stdio_server

from toolcell_client.cli.exits import Exit
from toolcell_client.mcp_server.bridge import Bridge
from toolcell_client.mcp_server.identities import Identities

if TYPE_CHECKING:
    from toolcell_client.mcp_server.choosing import Choice
    from toolcell_client.options import ClientOptions

ENDINGS = {signal.SIGTERM: Exit.TERMINATED, signal.SIGINT: Exit.INTERRUPTED}
CLOSE_SECONDS = 15.0  # arbitrary; the client's own farewells take 10 at most


def serve(options: ClientOptions, choice: Choice, *, search: bool) -> Exit:
    """
    Serve until the input ends or a signal comes.  After a signal this does not return.
    """
    return asyncio.run(_serve(options, choice, search=search))


async def _serve(options: ClientOptions, choice: Choice, *, search: bool) -> Exit:
    identities = Identities(options, choice)
    loop = asyncio.get_running_loop()
    signalled: asyncio.Future[signal.Signals] = loop.create_future()
    for number in ENDINGS:
        loop.add_signal_handler(number, _set, signalled, number)
    serving = asyncio.create_task(_speak(Bridge(identities, search=search)))
    either: set[asyncio.Future[Any]] = {serving, signalled}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    async with asyncio.timeout(CLOSE_SECONDS):
        await identities.aclose()
    if signalled.done():
        sys.stderr.flush()
        os._exit(ENDINGS[signalled.result()])
    await serving
    return Exit.OK


async def _speak(bridge: Bridge) -> None:
    async with stdio_server() as (reading, writing):
        await bridge.run(reading, writing, bridge.create_initialization_options())


def _set(signalled: asyncio.Future[signal.Signals], number: signal.Signals) -> None:
    if not signalled.done():
        signalled.set_result(number)
