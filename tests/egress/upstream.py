"""
The other end of what leaves cells: a name server, and servers that count who reaches them.
"""

from __future__ import annotations

import contextlib
import http
import http.server
import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = "127.0.0.1"
TOGETHER_SECONDS = 40 * PATIENCE
PAGES: dict[str, tuple[bytes, str, int]] = {
    "/json": (b'{"answer": [42, null]}', "application/json", 200),
    "/binary": (b"\x89PNG\0\xff", "image/png", 200),
    "/latin": ("Größe".encode("latin-1"), "text/plain; charset=iso-8859-1", 200),
    "/quotes": (b"\1" * 2**21, "text/plain", 200),
    "/missing": (b"nothing here", "text/plain", 404),
}


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
        query = dns.message.from_wire(wire)
        [question] = query.question
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
            answering.sendto(names.answer(data), self.client_address)

    with socketserver.ThreadingUDPServer((LOOPBACK, 0), Handler) as server, _running(server):
        yield f"{LOOPBACK}:{server.server_address[1]}"


class _Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if self.path == "/together":
            self.server.together.wait(TOGETHER_SECONDS)
        if self.path in PAGES:
            self._send(*PAGES[self.path])
        elif self.path.startswith("/files/"):
            self._send_file(self.path.removeprefix("/files/").partition("?")[0])
        elif self.path.startswith("/bytes/"):
            self._send(b"x" * int(self.path.rpartition("/")[2]))
        elif self.path.startswith("/redirect/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/redirect/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(f"{self.command} {self.path} {body.decode()}".strip().encode())

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815  # names of http.server

    def _send(self, body: bytes, kind: str = "text/plain", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_file(self, path: str) -> None:
        file = self.server.files / path if self.server.files else None
        if file and file.is_file():
            self._send(file.read_bytes())
        else:
            self._send(b"", status=http.HTTPStatus.NOT_FOUND)

    def log_message(self, *_: Any) -> None:
        pass


class Site(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """
    A web site that remembers the requests that reached it, and the connections.  `files` is what
    lies below /files/; a request for /together waits until as many have come as `together` says.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Page)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.connections = 0
        self.files: Path | None = None
        self.together = threading.Barrier(1)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, *_: Any) -> None:
        """
        A client that breaks off is a test's business.
        """


@contextlib.contextmanager
def serving_site(certificate: tuple[Path, Path] | None = None) -> Iterator[Site]:
    """
    A site, over TLS if it has a certificate and a key.
    """
    with Site() as site:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # In the handler's thread, not where connections are accepted.
            site.socket = context.wrap_socket(
                site.socket, server_side=True, do_handshake_on_connect=False
            )
        with _running(site):
            yield site


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """
    A TCP port that nobody may reach, and what was said to it.
    """
    said: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            said.append(b"")
            with contextlib.suppress(OSError):
                said.append(self.request.recv(4096))

    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler) as server, _running(server):
        yield int(server.server_address[1]), said


@contextlib.contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def free_port() -> int:
    """
    A port that nobody listens on now.
    """
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])
