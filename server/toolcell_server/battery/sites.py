"""
Web sites that count who reaches them.
"""

from __future__ import annotations

import contextlib
import http.server
import socketserver
import ssl
from typing import TYPE_CHECKING, Any, TypeVar

from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.name_server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PIECE_BYTES = 64 * 1024


class Page(http.server.BaseHTTPRequestHandler):
    """
    Any page: it says what was asked of it.  `/bytes/N` has N bytes, `/redirect/URL` leads to a URL,
    `/echo` says the request's headers in its own, and what is `missing` is not there.
    """

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:  # a name of http.server
        body = self.read()
        if self.path.startswith("/bytes/"):
            self.answer(b"x" * int(self.path.rpartition("/")[2]))
        elif self.path.startswith("/redirect/"):
            target = self.path.removeprefix("/redirect/")
            self.answer(b"", status=302, headers=[("Location", target)])
        elif self.path == "/echo":
            self.answer(b"echoed", headers=[(f"Echo-{n}", v) for n, v in self.headers.items()])
        elif self.path in self.server.missing:
            self.answer(b"", status=404)
        else:
            self.answer(f"{self.command} {self.path} {body.decode()}".strip().encode())

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815  # names of http.server

    def answer(
        self,
        body: bytes,
        kind: str = "text/plain",
        status: int = 200,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """
        Send a page.
        """
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read(self) -> bytes:
        """
        Remember the request; its body, or as much of it as comes: each piece counts.
        """
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        length, body = int(self.headers.get("Content-Length") or 0), b""
        while piece := self.rfile.read1(min(length - len(body), PIECE_BYTES)):
            self.server.received_bytes += len(piece)
            body += piece
        return body

    def log_message(self, *_: Any) -> None:
        """
        What reached us is remembered, not said.
        """


class Site(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """
    A web site that remembers the requests that reached it, counts connections and bytes of bodies.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, page: type[Page] = Page) -> None:
        super().__init__((LOOPBACK, 0), page)
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.connections = 0
        self.received_bytes = 0
        self.missing: set[str] = set()

    def forget(self) -> None:
        """
        As if nobody had come yet.
        """
        self.seen.clear()
        self.missing.clear()
        self.connections = self.received_bytes = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, *_: Any) -> None:
        """
        A client that breaks off is what we are here for.
        """


Served = TypeVar("Served", bound=Site)


@contextlib.contextmanager
def serving_site(
    make: Callable[[], Served], certificate: tuple[Path, Path] | None = None
) -> Iterator[Served]:
    """
    A site, over TLS if it has a certificate and a key.
    """
    with make() as site:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # In the handler's thread, not where connections are accepted.
            site.socket = context.wrap_socket(
                site.socket, server_side=True, do_handshake_on_connect=False
            )
        with running(site):
            yield site
