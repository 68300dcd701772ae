"""
From a name to a connection: resolve, decide, dial the very address that was decided about.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import psutil

from toolcell_server.egress.decide_addresses import decide_addresses
from toolcell_server.egress.resolving import Unresolved
from toolcell_server.egress.verdicts import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.egress.addresses import Address, Network
    from toolcell_server.egress.resolving import Resolver

    Turn = contextlib.AbstractAsyncContextManager[None]

CONNECT_SECONDS: Final = 10.0  # arbitrary; for each address
MAXIMUM_ADDRESSES: Final = 64  # arbitrary; who owns a name may give it thousands to try
OWN_SECONDS: Final = 5.0  # arbitrary; how long the host's own addresses are remembered
ALWAYS: Final[Turn] = contextlib.nullcontext()


class NotDialled(Exception):  # noqa: N818  # names what happened
    """
    Raised when there is no connection; `reason` says why, a denial or not.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason


@dataclass(slots=True)
class Dialler:
    """
    Makes connections for every cell.  `private` are the networks beyond the public internet that
    the operator's policy names.
    """

    resolver: Resolver
    private: Sequence[Network] = ()
    _own: frozenset[Address] = frozenset()
    _own_until: float = field(default=0.0)

    async def dial(
        self, name: str, port: int, *, granted: bool = True, turn: Turn = ALWAYS
    ) -> tuple[socket.socket, Address]:
        """
        A connected socket that does not block, and the address that it is connected to.  `granted`:
        a rule names the name; else policy only reports that none does.  `turn` is held while the
        name is resolved.

        Raises:
            NotDialled: the name leads nowhere, or where it must not.
        """
        try:
            async with turn:
                found = await self.resolver.resolve(name)
        except Unresolved as exc:
            raise NotDialled(Reason.UNRESOLVED, str(exc)) from exc
        if len(found) > MAXIMUM_ADDRESSES:  # to decide about them takes long, and to dial them, too
            raise NotDialled(Reason.UNRESOLVED, f"more than {MAXIMUM_ADDRESSES} addresses")
        verdict = decide_addresses(found, self.private, self._own_addresses(), granted=granted)
        if not verdict.allowed:
            raise NotDialled(verdict.reason)
        failure: OSError | None = None
        for address in verdict.addresses:
            try:
                return await _connect(address, port), address
            except OSError as exc:
                failure = exc
        raise NotDialled(Reason.UNREACHABLE, str(failure))

    def _own_addresses(self) -> frozenset[Address]:
        now = time.monotonic()
        if now > self._own_until:
            self._own = own_addresses()
            self._own_until = now + OWN_SECONDS
        return self._own


def own_addresses() -> frozenset[Address]:
    """
    Every address that the host has.
    """
    found = set()
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family in (socket.AF_INET, socket.AF_INET6):
                with contextlib.suppress(ValueError):
                    found.add(ip_address(each.address.partition("%")[0]))
    return frozenset(found)


async def _connect(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(one, (str(address), port))
    except TimeoutError as exc:
        one.close()
        raise OSError(110, f"no connection in {CONNECT_SECONDS:g} s") from exc
    except BaseException:
        one.close()
        raise
    return one
