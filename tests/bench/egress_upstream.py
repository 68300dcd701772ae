"""
The other end of the benchmark of the egress: one port that speaks TCP, TLS and HTTP, and a name
server that knows one address.

Theory of operation.  The first byte of a connection says what it speaks: 0 is the length that our
own requests begin with, 22 a TLS record, anything else HTTP.  So that the upstream costs little, a
thread for each connection blocks in the kernel, and nothing is copied together: a body is one
buffer, sent again and again.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from typing import TYPE_CHECKING

from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.egress import dns, dns_answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST_BYTES = 64
BODY = memoryview(bytes(1024 * 1024))
TLS, LENGTH = b"\x16", b"\0"
LIFETIME_SECONDS = 60  # of an address, as CDNs say


class _Connection(socketserver.BaseRequestHandler):
    server: _Upstream
    request: socket.socket

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # whoever breaks off has what it wanted
            first = self.request.recv(1, socket.MSG_PEEK)
            if first == TLS:
                with self.server.tls.wrap_socket(self.request, server_side=True) as secure:
                    _answer_lengths(secure)
            elif first == LENGTH:
                _answer_lengths(self.request)
            elif first:
                _answer_http(self.request)


def _answer_lengths(one: socket.socket) -> None:
    request = b""
    while data := one.recv(REQUEST_BYTES - len(request)):
        request += data
        if len(request) == REQUEST_BYTES:
            _send(one, int.from_bytes(request[:8], "big"))
            request = b""


def _answer_http(one: socket.socket) -> None:
    request = b""
    while data := one.recv(4096):
        request += data
        if request.endswith(b"\r\n\r\n"):
            count = int(request.split(b" ", 2)[1][1:])
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count
            if count <= REQUEST_BYTES:
                one.sendall(head + BODY[:count])
            else:
                one.sendall(head)
                _send(one, count)
            request = b""


def _send(one: socket.socket, count: int) -> None:
    while count:
        part = BODY[: min(count, len(BODY))]
        one.sendall(part)
        count -= len(part)


class _Upstream(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__((LOOPBACK, 0), _Connection)
        self.tls = tls


class _Names(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        message, answering = self.request
        question = dns.parse(message)
        answer = (
            dns_answers.address(question, LOOPBACK, LIFETIME_SECONDS)
            if question.type == dns.A
            else dns_answers.empty(question)
        )
        answering.sendto(answer, self.client_address)


@contextlib.contextmanager
def serving(certificate: tuple[Path, Path]) -> Iterator[tuple[int, str]]:
    """
    The upstream's port, and the name server as host:port.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    with _Upstream(tls) as upstream, socketserver.UDPServer((LOOPBACK, 0), _Names) as names:
        both = (upstream, names)
        for one in both:
            threading.Thread(target=one.serve_forever, daemon=True).start()
        try:
            yield upstream.server_address[1], f"{LOOPBACK}:{names.server_address[1]}"
        finally:
            for one in both:
                one.shutdown()
