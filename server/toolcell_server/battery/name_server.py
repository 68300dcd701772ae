"""
A name server that counts who is asked for.
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from toolcell_server.battery.addresses import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREADABLE: Final = "what no name server can read"


@dataclass
class Names:
    """
    A name server: `zone` says the addresses of each name, `asked` counts who was asked for.
    `later` is what a name says after it was asked for once.  Nothing is to be remembered, unless
    `seconds` says so.
    """

    zone: dict[str, tuple[str, ...]] = field(default_factory=dict)
    later: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    seconds: int = 0

    def answer(self, wire: bytes) -> bytes:
        """
        The answer to a question; none to what is no question.
        """
        try:
            query = dns.message.from_wire(wire)
            [question] = query.question
        except (dns.exception.DNSException, ValueError):
            self.asked.append(UNREADABLE)
            return b""
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name not in self.zone:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return response.to_wire()
        kind = dns.rdatatype.to_text(question.rdtype)
        found = [a for a in self.zone[name] if ("AAAA" if ":" in a else "A") == kind]
        if found:
            records = dns.rrset.from_text(question.name, self.seconds, "IN", kind, *found)
            response.answer.append(records)
            self.zone[name] = self.later.pop(name, self.zone[name])
        return response.to_wire()


@contextlib.contextmanager
def serving_names(names: Names) -> Iterator[str]:
    """
    A name server on a port of its own; its address as `host:port`.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, answering = self.request
            if answer := names.answer(data):
                answering.sendto(answer, self.client_address)

    with socketserver.ThreadingUDPServer((LOOPBACK, 0), Handler) as server, running(server):
        yield f"{LOOPBACK}:{server.server_address[1]}"


@contextlib.contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    """
    Serve in a thread for as long as the context lasts.
    """
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
