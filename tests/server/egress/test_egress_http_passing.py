"""
What the gate passes on to the server, and in which words.
"""

from __future__ import annotations

import pytest
import strict_http
from gating import GET, OK, Relay
from toolcell_server.egress.http_actions import Ask, Head
from toolcell_server.egress.http_gate import HELD_BYTES, HELD_CEILING, HttpGate, NotAsked

HOST = b"Host: a.example\r\n"
SENT = b"Host: a.example\r\n"

# What the client sends, and what the server gets.
REWRITTEN: dict[str, tuple[bytes, bytes]] = {
    "as it is": (
        b"GET /a?b HTTP/1.1\r\n" + HOST + b"X-A: b\r\nAccept:*/*\r\n\r\n",
        b"GET /a?b HTTP/1.1\r\n" + SENT + b"X-A: b\r\nAccept: */*\r\n\r\n",
    ),
    "Host first": (
        b"GET / HTTP/1.1\r\nA: b\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + SENT + b"A: b\r\n\r\n",
    ),
    "8 bits in a value": (
        b"GET / HTTP/1.1\r\n" + HOST + b"A: \xc3\xa9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + SENT + b"A: \xc3\xa9\r\n\r\n",
    ),
    "an encoded path, untouched": (
        b"GET /a%2F..%2Fb/../c HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /a%2F..%2Fb/../c HTTP/1.1\r\n" + SENT + b"\r\n",
    ),
    "a URL as a path": (
        b"GET http://A.example:80/b?c HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /b?c HTTP/1.1\r\n" + SENT + b"\r\n",
    ),
    "a URL without a path": (
        b"GET http://a.example HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + SENT + b"\r\n",
    ),
    "a URL with a query only": (
        b"GET HTTP://a.example?b HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /?b HTTP/1.1\r\n" + SENT + b"\r\n",
    ),
    "OPTIONS of a server": (
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + SENT + b"\r\n",
    ),
    "OPTIONS of a server by its URL": (
        b"OPTIONS http://a.example HTTP/1.1\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + SENT + b"\r\n",
    ),
    "without the headers of one hop": (
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
        b"Keep-Alive: 5\r\nProxy-Authorization: Basic YTpi\r\nProxy-Connection: close\r\n"
        b"TE: trailers\r\nTrailer: A\r\nX-End: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + SENT + b"X-End: 1\r\n\r\n",
    ),
    "a client that closes": (
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Close\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + SENT + b"Connection: close\r\n\r\n",
    ),
    "HTTP/1.0": (
        b"GET / HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + SENT + b"Connection: close\r\n\r\n",
    ),
    "HTTP/1.0 that expects": (
        b"POST / HTTP/1.0\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\na",
        b"POST / HTTP/1.1\r\n" + SENT + b"Content-Length: 1\r\nConnection: close\r\n\r\na",
    ),
    "a body of a length": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\n" + SENT + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello",
    ),
    "an empty body": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + SENT + b"Content-Length: 0\r\n\r\n",
    ),
    "chunks without extensions and trailers": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: CHUNKED\r\n\r\n"
        b'005;a="b"\r\nhello\r\n0;c\r\nContent-MD5: 3\r\nD: e\r\n\r\n',
        b"POST / HTTP/1.1\r\n" + SENT + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n",
    ),
}


@pytest.mark.parametrize(("received", "sent"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_request_is_written_anew(received: bytes, sent: bytes) -> None:
    """
    The server reads what the gate understood, never what the client wrote.
    """
    relay = Relay().client(received)

    assert sent == relay.to_server
    assert b"" == relay.to_client


@pytest.mark.parametrize("received", [each for each, _ in REWRITTEN.values()], ids=REWRITTEN)
def test_a_request_is_the_same_however_it_is_cut(received: bytes) -> None:
    """
    Slow senders get what fast ones get.
    """
    whole, cut = Relay().client(received), Relay(cut=1).client(received)

    assert strict_http.requests(whole.to_server) == strict_http.requests(cut.to_server)
    assert whole.asked == cut.asked


def test_the_question_names_what_there_is_to_decide() -> None:
    """
    The host is compared with names, so it comes in one spelling.
    """
    request = b"PUT http://A.Example.:8080/b HTTP/1.1\r\nHost: a.example.:8080\r\nX: \xe9\r\n\r\n"
    head = Head("PUT", "/b", "a.example.", 8080, (("host", "a.example.:8080"), ("x", "\xe9")))

    assert [Ask(head)] == HttpGate().receive_from_client(request)


def test_nothing_moves_before_the_answer() -> None:
    """
    The body belongs to the request: no byte of it leaves before somebody says so.
    """
    gate = HttpGate()
    gate.receive_from_client(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nab")

    assert [] == gate.receive_from_client(b"c")
    assert [] == gate.receive_from_client(b"d")
    assert b"abcd" == b"".join(each.data for each in gate.allow())[-4:]  # type: ignore[union-attr]


def test_each_request_of_a_connection_is_decided_anew() -> None:
    """
    A granted first request is no grant for what follows it, as a redirect's target (N6).
    """
    second = GET.replace(b"a.example", b"b.example")
    relay = Relay(lambda head: head.host == "a.example").client(GET).server(OK).client(second)

    assert ["a.example", "b.example"] == [head.host for head in relay.asked]
    assert [b"a.example"] == relay.to_server.split()[4:]
    assert relay.to_client.startswith(b"HTTP/1.1 200")
    assert b"host_not_granted" in relay.to_client
    assert relay.closed


def test_a_pipelined_request_waits_for_the_response() -> None:
    """
    Two requests upstream would be two chances to confuse their responses (N8).
    """
    relay = Relay(lambda head: head.host == "a.example")
    relay.client(GET, GET.replace(b"a.example", b"b.example"))

    assert 1 == len(relay.asked)

    relay.server(OK)

    assert ["a.example", "b.example"] == [head.host for head in relay.asked]
    assert 1 == len(strict_http.requests(relay.to_server))
    assert relay.closed


BODIES = {
    "with a GET": b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n%s",
    "with a POST": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n%s",
    "in a chunk": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"
    b"0\r\n\r\n",
}


@pytest.mark.parametrize("request_", BODIES.values(), ids=BODIES)
def test_a_request_with_a_body_is_the_last(request_: bytes) -> None:
    """
    A server that leaves the body unread would read it as a request that nobody was asked about.
    """
    smuggled = GET.replace(b"GET /", b"GET /secret")
    relay = Relay().client(request_ % (len(smuggled), smuggled), GET)

    assert ["close"] == strict_http.requests(relay.to_server)[0].values("connection")

    relay.server(OK)

    assert 1 == len(strict_http.requests(relay.to_server))
    assert ["close"] == strict_http.responses(relay.to_client, ["POST"])[0].values("connection")
    assert relay.closed


def test_a_client_that_pipelines_is_held_up() -> None:
    """
    What waits is memory, and clients choose how much they send.
    """
    relay = Relay()
    relay.client(GET)

    assert relay.gate.reads_client

    relay.client(b"a" * HELD_BYTES)

    assert not relay.gate.reads_client
    assert not relay.closed


def test_what_follows_the_last_request_is_not_held() -> None:
    """
    Nobody will look at it, and the end of the client's file should still be seen.
    """
    last = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    relay = Relay(cut=2**16).client(last).client(b"a" * 2 * HELD_BYTES)

    assert relay.gate.reads_client
    assert 0 == relay.most_held


def test_a_relay_that_reads_on_all_the_same_is_closed() -> None:
    """
    The bound must not depend on the relay alone.
    """
    relay = Relay(cut=2**16).client(GET, b"a" * (HELD_CEILING + 2**17))

    assert relay.closed
    assert relay.most_held <= HELD_CEILING + 2**16


def test_a_body_is_never_held() -> None:
    """
    16 MiB up and 16 MiB down, in pieces of 64 KiB.
    """
    length = 2**24
    relay = Relay(cut=2**16)
    relay.client(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % length)
    relay.client(b"a" * length)
    relay.server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length, b"b" * length)

    assert length == len(strict_http.requests(relay.to_server)[0].body)
    assert length == len(strict_http.responses(relay.to_client, ["POST"])[0].body)
    assert 0 == relay.most_held


def test_a_client_that_has_said_everything_gets_its_response() -> None:
    """
    Some clients end their half as soon as the request is out.
    """
    relay = Relay().client(GET).client()

    assert not relay.closed

    relay.server(OK)

    assert b"200" == relay.status
    assert relay.closed


def test_a_client_that_leaves_between_requests_is_left() -> None:
    """
    The usual end of a connection is no fault.
    """
    relay = Relay().client(GET).server(OK).client()

    assert relay.closed
    assert 1 == relay.to_client.count(b"HTTP/1.1")


def test_after_a_close_nothing_is_said() -> None:
    """
    A relay may still be deciding, or reading, when the connection ends.
    """
    gate = HttpGate()
    gate.receive_from_client(GET)
    gate.receive_from_server(b"")  # the kept connection ends while the relay decides

    assert [] == gate.allow()
    assert [] == gate.refuse(403, "host_not_granted")
    assert [] == gate.receive_from_client(GET)
    assert [] == gate.receive_from_server(OK)
    assert not gate.reads_client


def test_what_was_not_asked_cannot_be_answered() -> None:
    """
    A relay that answers twice has lost count of its connections.
    """
    gate = HttpGate()

    with pytest.raises(NotAsked):
        gate.allow()

    gate.receive_from_client(GET)
    gate.allow()

    with pytest.raises(NotAsked):
        gate.refuse(403, "host_not_granted")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(200, "fine"), (99, "low"), (403, "a\r\nSet-Cookie: b"), (403, "Two words"), (403, "")],
)
def test_a_refusal_in_wrong_words_is_a_mistake(status: int, reason: str) -> None:
    """
    A reason is a word: whatever it is made of must not become a header.
    """
    gate = HttpGate()
    gate.receive_from_client(GET)

    with pytest.raises(ValueError, match="refus"):
        gate.refuse(status, reason)


def test_a_server_that_cannot_be_reached_is_a_refusal_too() -> None:
    """
    The relay dials between the question and the answer.
    """
    gate = HttpGate()
    gate.receive_from_client(GET)
    answer, _ = gate.refuse(504, "connect_timeout")

    assert b"HTTP/1.1 504 Gateway Timeout" in answer.data  # type: ignore[union-attr]


def test_no_header_for_a_proxy_reaches_the_server() -> None:
    """
    N15: whatever its name goes on with, and whoever the proxy is.
    """
    relay = Relay().client(GET[:-2], b"Proxy-Authorization: a\r\nPROXY-Other: b\r\n\r\n")

    assert GET == relay.to_server
