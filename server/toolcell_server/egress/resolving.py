"""
Addresses of names, from the system's resolver or from a configured one.

Only names that were granted, or let through (`report_only`), come here: no other name that a cell
made up is sent upstream, because a query is a message, too.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.rdatatype

if TYPE_CHECKING:
    from toolcell_server.egress.addresses import Address

SECONDS: Final = 5.0  # arbitrary; a resolver that takes longer will not answer


class Unresolved(Exception):  # noqa: N818  # names what happened
    """
    Raised when a name cannot be resolved; says why.
    """


class Resolver(Protocol):
    """
    Resolves names.
    """

    async def resolve(self, name: str) -> tuple[Address, ...]:
        """
        Every address of a name, IPv4 and IPv6; none if it has none.

        Raises:
            Unresolved: nobody could tell.
        """
        ...


class SystemResolver:
    """
    As the host does it: its hosts file, its name servers, its caches (getaddrinfo(3)).
    """

    async def resolve(self, name: str) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SECONDS):
                found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise Unresolved(f"no answer in {SECONDS:g} s") from None
        except OSError as exc:
            if exc.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
                return ()
            raise Unresolved(str(exc)) from exc
        texts = dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
        return tuple(ip_address(text) for text in texts)


@dataclass(frozen=True, slots=True)
class NameServers:
    """
    Name servers that the operator names, and none of the host's.
    """

    servers: tuple[tuple[str, int], ...]

    async def resolve(self, name: str) -> tuple[Address, ...]:
        answers = await asyncio.gather(*(self._ask(name, kind) for kind in ("A", "AAAA")))
        return tuple(address for answer in answers for address in answer)

    async def _ask(self, name: str, kind: str) -> list[Address]:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(host, port) for host, port in self.servers
        ]
        try:
            answer: Any = await resolver.resolve(
                f"{name}.", kind, raise_on_no_answer=False, lifetime=SECONDS, search=False
            )
        except dns.resolver.NXDOMAIN:
            return []
        except dns.exception.DNSException as exc:
            raise Unresolved(f"{type(exc).__name__}: {exc}") from exc
        return [ip_address(each.address) for each in answer.rrset or ()]
