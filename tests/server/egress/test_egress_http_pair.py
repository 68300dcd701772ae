"""
The gate between programs that know nothing of it: http.client and http.server, over real sockets.
"""

from __future__ import annotations

import hashlib
import http.client
import http.server
import threading
from typing import TYPE_CHECKING

import pytest
from pumping import SECONDS, pumping

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = bytes(range(256)) * 64
LARGE = 2**24


class Handler(http.server.BaseHTTPRequestHandler):
    """
    Answers in each way of framing.
    """

    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def do_GET(self) -> None:
        match self.path.partition("/granted/")[2]:
            case "same":
                self.send_response(304)
                self.send_header("ETag", '"a"')
                self.end_headers()
            case "large":
                self._begin("Content-Length", str(LARGE))
                for _ in range(LARGE // len(PIECE)):
                    self.wfile.write(PIECE)
            case "chunks":
                self._begin("Transfer-Encoding", "chunked")
                self.wfile.write(b"5\r\nhello\r\n6;ext\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n")
            case "endless":
                self._begin("X-Framed", "not at all")
                self.wfile.write(b"hello world")
                self.close_connection = True
            case "silent":
                self.close_connection = True
            case _:
                self._answer(b"hello world")

    do_HEAD = do_GET  # noqa: N815  # its base class's name

    def do_POST(self) -> None:
        digest = hashlib.sha256()
        if self.headers["Transfer-Encoding"] == "chunked":
            while size := int(self.rfile.readline(), 16):
                digest.update(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            digest.update(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(digest.hexdigest().encode())

    def log_message(self, *_: object) -> None:
        """
        Nobody reads it.
        """

    def _begin(self, name: str, value: str) -> None:
        self.send_response(200)
        self.send_header(name, value)
        self.end_headers()

    def _answer(self, body: bytes) -> None:
        self._begin("Content-Length", str(len(body)))
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # joined when the server is closed


@pytest.fixture
def pair() -> Iterator[tuple[http.client.HTTPConnection, list[int]]]:
    """
    A client's connection through a gate, and a list of the connections that were made.
    """
    with Server(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        with pumping(("127.0.0.1", server.server_address[1])) as (port, connections):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
            yield client, connections
            client.close()
        server.shutdown()
        serving.join(SECONDS)


Pair = tuple[http.client.HTTPConnection, list[int]]


def ask(pair: Pair, method: str, path: str, body: object = None) -> http.client.HTTPResponse:
    client, _ = pair
    client.request(method, path, body)  # type: ignore[arg-type]
    return client.getresponse()


def test_a_connection_is_kept_from_request_to_request(pair: Pair) -> None:
    """
    A tool that asks a hundred times should dial once.
    """
    bodies = [ask(pair, "GET", "/granted").read() for _ in range(3)]

    assert [b"hello world"] * 3 == bodies
    assert 1 == len(pair[1])


def test_responses_without_a_body_leave_the_connection_in_step(pair: Pair) -> None:
    """
    HEAD and 304 announce a body that does not come.
    """
    head = ask(pair, "HEAD", "/granted")

    assert ("11", b"") == (head.getheader("Content-Length"), head.read())

    same = ask(pair, "GET", "/granted/same")

    assert (304, '"a"', b"") == (same.status, same.getheader("ETag"), same.read())
    assert b"hello world" == ask(pair, "GET", "/granted").read()
    assert 1 == len(pair[1])


@pytest.mark.parametrize("path", ["/granted/chunks", "/granted/endless"])
def test_a_body_without_a_length_arrives_whole(path: str, pair: Pair) -> None:
    """
    In chunks, or until the end of the connection.
    """
    response = ask(pair, "GET", path)

    assert (b"hello world", None) == (response.read(), response.getheader("X-Trailer"))


def test_an_upload_in_chunks_arrives_whole(pair: Pair) -> None:
    """
    http.client chunks what it can only iterate over.
    """
    pieces = [PIECE] * 64
    response = ask(pair, "POST", "/granted", iter(pieces))

    assert hashlib.sha256(b"".join(pieces)).hexdigest().encode() == response.read()
    assert "close" == response.getheader("Connection")


def test_after_an_upload_the_next_request_dials_again(pair: Pair) -> None:
    """
    A request with a body is the last of its connection; clients are used to that.
    """
    ask(pair, "POST", "/granted", b"hello").read()

    assert b"hello world" == ask(pair, "GET", "/granted").read()
    assert 2 == len(pair[1])


def test_a_large_body_arrives_whole(pair: Pair) -> None:
    """
    16 MiB, of which nobody holds more than a piece.
    """
    response = ask(pair, "GET", "/granted/large")
    digest = hashlib.sha256()
    while piece := response.read(2**16):
        digest.update(piece)

    assert hashlib.sha256(PIECE * (LARGE // len(PIECE))).digest() == digest.digest()


def test_a_client_that_expects_is_answered_by_the_server(pair: Pair) -> None:
    """
    The 100 passes back before any byte of the body is there.
    """
    client, _ = pair
    client.putrequest("POST", "/granted")
    client.putheader("Expect", "100-continue")
    client.putheader("Content-Length", "5")
    client.endheaders()
    assert client.sock is not None

    assert b"HTTP/1.1 100 Continue\r\n\r\n" == client.sock.recv(1024)

    client.send(b"hello")

    assert hashlib.sha256(b"hello").hexdigest().encode() == client.getresponse().read()


def test_a_refusal_arrives_although_the_client_is_still_sending(pair: Pair) -> None:
    """
    A tool must see why, not a reset connection.
    """
    response = ask(pair, "POST", "/other", PIECE)

    assert 403 == response.status
    assert "path_not_granted" == response.getheader("X-Toolcell-Reason")
    assert b"This request was refused: path_not_granted.\n" == response.read()


def test_a_server_that_says_nothing_is_a_bad_gateway(pair: Pair) -> None:
    """
    The client should not have to guess who hung up.
    """
    assert 502 == ask(pair, "GET", "/granted/silent").status
