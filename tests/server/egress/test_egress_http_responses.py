"""
Responses: passed on in the gate's words, refused if they could be read in two ways.
"""

from __future__ import annotations

import pytest
import strict_http
from gating import GET, OK, Relay
from toolcell_server.egress.http_actions import Close
from toolcell_server.egress.http_gate import HttpGate

HEAD = GET.replace(b"GET", b"HEAD")
OLD = GET.replace(b"1.1", b"1.0")
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
OK_LINE = b"HTTP/1.1 200 OK\r\n"
CLOSE = b"Connection: close\r\n"

# The request, the response, what the client gets, and whether both connections end.
PASSED: dict[str, tuple[bytes, bytes, bytes, bool]] = {
    "of a length": (GET, OK, OK, False),
    "in chunks": (
        GET,
        OK_LINE + b"Transfer-Encoding: chunked\r\n\r\n2;a\r\nok\r\n0\r\nB: c\r\n\r\n",
        OK_LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        False,
    ),
    "to HEAD": (
        HEAD,
        OK_LINE + b"Content-Length: 2\r\n\r\n",
        OK_LINE + b"Content-Length: 2\r\n\r\n",
        False,
    ),
    "204": (
        GET,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        False,
    ),
    "304": (
        GET,
        b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n\r\n',
        b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n\r\n',
        False,
    ),
    "304 in chunks that do not come": (
        GET,
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        False,
    ),
    "a redirect": (
        GET,
        b"HTTP/1.1 302 Found\r\nLocation: http://b.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://b.example/\r\nContent-Length: 0\r\n\r\n",
        False,
    ),
    "without a phrase": (
        GET,
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
        False,
    ),
    "hints first": (
        GET,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        False,
    ),
    "hints to HTTP/1.0": (
        OLD,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        OK_LINE + b"Content-Length: 2\r\n" + CLOSE + b"\r\nok",
        True,
    ),
    "in chunks to HTTP/1.0": (
        OLD,
        OK_LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK_LINE + CLOSE + b"\r\nok",
        True,
    ),
    "from HTTP/1.0": (
        GET,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok",
        OK_LINE + b"Content-Length: 2\r\n" + CLOSE + b"\r\nok",
        True,
    ),
    "from a server that closes": (
        GET,
        OK_LINE + b"Content-Length: 2\r\nConnection: Close\r\n\r\nok",
        OK_LINE + b"Content-Length: 2\r\n" + CLOSE + b"\r\nok",
        True,
    ),
    "without the headers of one hop": (
        GET,
        OK_LINE + b"Content-Length: 2\r\nConnection: Upgrade, X-Hop\r\nUpgrade: h2c\r\nX-Hop: 1\r\n"
        b'Keep-Alive: 5\r\nAlt-Svc: h3=":443"\r\nProxy-Authenticate: Basic\r\nX-End: 1\r\n\r\nok',
        OK_LINE + b"Content-Length: 2\r\nX-End: 1\r\n\r\nok",
        False,
    ),
    "with more than was announced": (GET, OK + OK, OK, True),
}


@pytest.mark.parametrize("cut", [2**30, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("request_", "received", "sent", "closed"), PASSED.values(), ids=PASSED)
def test_a_response_is_written_anew(
    request_: bytes, received: bytes, sent: bytes, closed: bool, cut: int
) -> None:
    """
    The client reads what the gate understood; its framing is the gate's.
    """
    relay = Relay(cut=cut).client(request_)
    relay.server(received)
    methods = [head.method for head in relay.asked]

    assert strict_http.responses(sent, methods) == strict_http.responses(relay.to_client, methods)
    assert sent == relay.to_client or cut == 1  # chunks are as the pieces were
    assert closed == relay.closed


REFUSED: dict[str, bytes] = {
    "a length and chunks": OK_LINE + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths that differ": OK_LINE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "two lengths that are equal": OK_LINE + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "a length with a sign": OK_LINE + b"Content-Length: +2\r\n\r\nok",
    "an encoding that is not chunked": OK_LINE + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "chunks of HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "204 in chunks": b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "100 with a body": b"HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nok" + OK,
    "switched protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a folded header": OK_LINE + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "a blank before the colon": OK_LINE + b"Content-Length : 2\r\n\r\nok",
    "a control character": OK_LINE + b"A: b\x01\r\nContent-Length: 2\r\n\r\nok",
    "a NUL": OK_LINE + b"A: b\0\r\nContent-Length: 2\r\n\r\nok",
    "a bare carriage return": OK_LINE + b"A: b\rSet-Cookie: c\r\nContent-Length: 2\r\n\r\nok",
    "a Connection that takes the length away": OK_LINE
    + b"Connection: content-length\r\nContent-Length: 2\r\n\r\nok",
    "a head that is too large": OK_LINE + b"A: b\r\n" * 6000,
    "too many headers": OK_LINE + b"A: b\r\n" * 101 + b"\r\n",
    "another protocol": b"ICY 200 OK\r\n\r\n",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "HTTP/0.9": b"<html>hello</html>\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a request": GET,
    "the end of its file": b"",
    "half a head": OK[:10],
}


@pytest.mark.parametrize("cut", [2**30, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("received", REFUSED.values(), ids=REFUSED)
def test_a_malformed_response_is_a_bad_gateway(received: bytes, cut: int) -> None:
    """
    A client that reads it in another way would take one response for two.
    """
    relay = Relay(cut=cut).client(GET)
    relay.server(received)
    if not relay.closed:
        relay.server()

    assert (b"502", "bad_response", True) == (relay.status, relay.reason, relay.closed)
    assert [True] == [each.whole for each in strict_http.responses(relay.to_client, ["GET"])]


BROKEN = {
    "a malformed chunk": b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n+1\r\na\r\n0\r\n\r\n",
    "chunks that break off": b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    "a length that is not reached": b"Content-Length: 3\r\n\r\nok",
}


@pytest.mark.parametrize("headers", BROKEN.values(), ids=BROKEN)
def test_a_response_that_breaks_off_breaks_off_for_the_client(headers: bytes) -> None:
    """
    It must notice: half a response is not a short one.
    """
    relay = Relay().client(GET).server(OK_LINE, headers)
    if not relay.closed:
        relay.server()

    assert relay.closed
    assert [False] == [each.whole for each in strict_http.responses(relay.to_client, ["GET"])]


@pytest.mark.parametrize("request_", [GET, OLD], ids=["HTTP/1.1", "HTTP/1.0"])
def test_a_body_until_the_end_is_passed_as_it_comes(request_: bytes) -> None:
    """
    Its end is that of the connection, so both must end.
    """
    relay = Relay().client(request_).server(OK_LINE, b"\r\nhello")

    assert b"hello" in relay.to_client

    relay.server(b" world").server()
    response = strict_http.responses(relay.to_client, ["GET"])[0]

    assert (b"hello world", True) == (response.body, response.whole)
    assert ["close"] == response.values("connection")
    assert relay.closed


def test_a_client_that_expects_is_told_to_go_on() -> None:
    """
    The server says so, not the gate: it may as well refuse the body.
    """
    relay = Relay().client(POST)

    assert b"Expect: 100-continue\r\n" in relay.to_server

    relay.server(b"HTTP/1.1 100 Continue\r\n\r\n")

    assert b"HTTP/1.1 100 Continue\r\n\r\n" == relay.to_client

    relay.client(b"hello").server(OK)

    assert relay.to_server.endswith(b"hello")
    assert relay.to_client.endswith(b"ok")
    assert relay.closed


def test_a_body_that_the_server_does_not_want_is_not_sent() -> None:
    """
    After a final response nothing may follow that the server could take for a request.
    """
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    relay = Relay().client(POST).server(refusal)

    assert relay.closed

    relay.client(b"hello")

    assert not relay.to_server.endswith(b"hello")
    assert b"413" == relay.status


UNASKED = {"before any request": b"", "while a request is not whole": GET[:10]}


@pytest.mark.parametrize("before", UNASKED.values(), ids=UNASKED)
def test_a_server_that_speaks_unasked_is_not_heard(before: bytes) -> None:
    """
    The client would take it for the answer to its next request.
    """
    relay = Relay().client(GET).server(OK).client(*([before] if before else [GET[:1]]))
    relay.server(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    assert OK == relay.to_client
    assert relay.closed


def test_a_server_that_speaks_while_the_relay_decides_is_not_heard() -> None:
    """
    Whatever it says, it is no answer to a request that it has not seen.
    """
    gate = HttpGate()
    gate.receive_from_client(GET)

    assert [Close()] == gate.receive_from_server(OK)
    assert [] == gate.allow()
