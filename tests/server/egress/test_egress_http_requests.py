"""
Requests that the gate does not take: none of their bytes reaches the server.
"""

from __future__ import annotations

import pytest
from gating import GET, Relay, nothing
from toolcell_server.egress.http_lines import FIELDS, HEAD_BYTES, TARGET_BYTES

HOST = b"Host: a.example\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def get(*lines: bytes, target: bytes = b"/") -> bytes:
    return (
        b"GET " + target + b" HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    )


MALFORMED: dict[str, tuple[bytes, str]] = {
    # Framing (N8)
    "a length and chunks": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "both Content-Length and Transfer-Encoding",
    ),
    "chunks and a length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "both Content-Length and Transfer-Encoding",
    ),
    "two lengths that differ": (
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "more than one Content-Length",
    ),
    "two lengths that are equal": (
        POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "more than one Content-Length",
    ),
    "two lengths in a list": (POST + b"Content-Length: 1, 1\r\n\r\na", "not a plain number"),
    "a length with a sign": (POST + b"Content-Length: +1\r\n\r\na", "not a plain number"),
    "a length below zero": (POST + b"Content-Length: -1\r\n\r\na", "not a plain number"),
    "a length in hexadecimal": (POST + b"Content-Length: 0x1\r\n\r\na", "not a plain number"),
    "a length with an underscore": (POST + b"Content-Length: 1_0\r\n\r\na", "not a plain number"),
    "a length beyond 64 bits": (
        POST + b"Content-Length: 18446744073709551617\r\n\r\na",
        "not a plain number",
    ),
    "an empty length": (POST + b"Content-Length:\r\n\r\n", "not a plain number"),
    "a length in other digits": (POST + b"Content-Length: \xb2\r\n\r\na", "not a plain number"),
    "an encoding that is not chunked": (
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
        "not exactly chunked",
    ),
    "two encodings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "not exactly chunked"),
    "chunked twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "not exactly chunked",
    ),
    "chunked, and then none": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        "not exactly chunked",
    ),
    "an encoding in quotes": (
        POST + b'Transfer-Encoding: "chunked"\r\n\r\n',
        "not exactly chunked",
    ),
    "an encoding with a parameter": (
        POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n",
        "not exactly chunked",
    ),
    "an encoding behind a vertical tab": (
        POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
        "control character",
    ),
    "chunks in HTTP/1.0": (
        b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 knows no",
    ),
    # Lines (N8)
    "bare line feeds": (b"GET / HTTP/1.1\nHost: a.example\n\n", "bare line feed"),
    "one bare line feed": (b"GET / HTTP/1.1\r\nHost: a.example\n\r\n", "bare line feed"),
    "a bare line feed for the last line": (b"GET / HTTP/1.1\r\n" + HOST + b"\n", "bare line feed"),
    "a bare carriage return": (get(b"Host: a.example", b"A: b\rC: d"), "bare carriage return"),
    "two carriage returns": (get(b"Host: a.example\r"), "bare carriage return"),
    "a folded header": (get(b"Host: a.example", b"A: b", b" c"), "folded"),
    "a header folded by a tab": (get(b"Host: a.example", b"A: b", b"\tc"), "folded"),
    "a folded Host": (get(b"Host:", b" a.example"), "folded"),
    "a first header that is folded": (get(b" Host: a.example"), "folded"),
    "a blank before the colon": (get(b"Host : a.example"), "blank before its colon"),
    "a tab before the colon": (
        get(b"Host: a.example", b"Content-Length\t: 3"),
        "blank before its colon",
    ),
    "a header without a colon": (get(b"Host: a.example", b"A"), "not a header"),
    "a header without a name": (get(b"Host: a.example", b": b"), "not a header"),
    "a name in 8 bits": (get(b"Host: a.example", b"\xc4: b"), "not a header"),
    "a NUL in a value": (get(b"Host: a.example", b"A: b\0c"), "NUL"),
    "a NUL in the target": (get(b"Host: a.example", target=b"/\0"), "NUL"),
    "a control character in a value": (
        get(b"Host: a.example", b"A: b\x01c"),
        "control character",
    ),
    "a delete in a value": (get(b"Host: a.example", b"A: b\x7fc"), "control character"),
    "an empty line before the request": (b"\r\n" + GET, "does not begin as HTTP"),
    "a TLS handshake": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "does not begin as HTTP"),
    # The first line
    "HTTP/0.9": (b"GET /\r\n", "HTTP/1.1 or 1.0"),
    "the preface of h2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 or 1.0"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", "HTTP/1.1 or 1.0"),
    "a version in lower case": (b"GET / http/1.1\r\n" + HOST + b"\r\n", "HTTP/1.1 or 1.0"),
    "two blanks": (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", "HTTP/1.1 or 1.0"),
    "a tab": (b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", "HTTP/1.1 or 1.0"),
    "a blank in the target": (get(b"Host: a.example", target=b"/a b"), "HTTP/1.1 or 1.0"),
    "a target in 8 bits": (get(b"Host: a.example", target=b"/\xc3\xa9"), "HTTP/1.1 or 1.0"),
    "a response": (b"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 or 1.0"),
    # Host and target (N7)
    "no Host": (get(), "no Host"),
    "no Host in HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", "no Host"),
    "two Hosts": (get(b"Host: a.example", b"Host: b.example"), "more than one Host"),
    "two equal Hosts": (get(b"Host: a.example", b"host: a.example"), "more than one Host"),
    "an empty Host": (get(b"Host:"), "not a name or an address"),
    "userinfo in Host": (get(b"Host: a.example@b.example"), "not a name or an address"),
    "a comma in Host": (get(b"Host: a.example,b.example"), "not a name or an address"),
    "a blank in Host": (get(b"Host: a.example b.example"), "not a name or an address"),
    "a path in Host": (get(b"Host: a.example/b"), "not a name or an address"),
    "a percent-encoded Host": (get(b"Host: a%2eexample"), "not a name or an address"),
    "a Host in 8 bits": (get("Host: ä.example".encode()), "not a name or an address"),
    "a zone in Host": (get(b"Host: [fe80::1%25eth0]"), "not a name or an address"),
    "a Host with an empty port": (get(b"Host: a.example:"), "not a name or an address"),
    "a Host with port 0": (get(b"Host: a.example:0"), "1 to 65535"),
    "a Host with port 65536": (get(b"Host: a.example:65536"), "1 to 65535"),
    "a URL of another host": (
        get(b"Host: a.example", target=b"http://b.example/"),
        "different servers",
    ),
    "a URL of another port": (
        get(b"Host: a.example", target=b"http://a.example:8080/"),
        "different servers",
    ),
    "a URL with userinfo": (
        get(b"Host: a.example", target=b"http://a.example@b.example/"),
        "not a name or an address",
    ),
    "a URL without a host": (get(b"Host: a.example", target=b"http:///"), "not a name"),
    "a URL with a backslash": (
        get(b"Host: a.example", target=b"http://a.example\\@b.example/"),
        "not a name or an address",
    ),
    "a URL of https": (
        get(b"Host: a.example", target=b"https://a.example/"),
        "neither a path nor a URL",
    ),
    "a bare name": (get(b"Host: a.example", target=b"a.example:80"), "neither a path nor a URL"),
    "an asterisk with GET": (get(b"Host: a.example", target=b"*"), "neither a path nor a URL"),
    "a fragment": (get(b"Host: a.example", target=b"/a#b"), "fragment"),
    # Bounds
    "a head that is too large": (
        get(b"Host: a.example", *[b"A: " + b"b" * 999] * 33),
        f"larger than {HEAD_BYTES} bytes",
    ),
    "a line that never ends": (b"GET /" + b"a" * HEAD_BYTES, f"larger than {HEAD_BYTES} bytes"),
    "too many headers": (get(b"Host: a.example", *[b"A: b"] * FIELDS), "more than 100 headers"),
    "a target that is too long": (
        get(b"Host: a.example", target=b"/" + b"a" * TARGET_BYTES),
        f"longer than {TARGET_BYTES} bytes",
    ),
    # What a client must not say
    "a Connection that takes Host away": (
        get(b"Host: a.example", b"Connection: close, Host"),
        "Connection header",
    ),
    "a Connection that takes the length away": (
        POST + b"Connection: content-length\r\nContent-Length: 1\r\n\r\na",
        "Connection header",
    ),
    "a Connection that is no list of words": (
        get(b"Host: a.example", b"Connection: a b"),
        "Connection header",
    ),
    "another expectation": (
        POST + b"Content-Length: 1\r\nExpect: y 100-continue\r\n\r\na",
        "Expect header",
    ),
    "an expectation without a body": (
        get(b"Host: a.example", b"Expect: 100-continue"),
        "Expect header",
    ),
}


@pytest.mark.parametrize(("data", "sentence"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_answered_and_goes_nowhere(data: bytes, sentence: str) -> None:
    """
    Whatever two parsers may read in two ways must not be read by a second one.
    """
    relay = Relay().client(data)

    assert (b"400", "malformed", True) == (relay.status, relay.reason, relay.closed)
    assert b"" == relay.to_server
    assert [] == relay.asked
    assert sentence in relay.to_client.decode()


@pytest.mark.parametrize("data", [data for data, _ in MALFORMED.values()], ids=MALFORMED)
def test_a_malformed_request_is_answered_alike_however_it_is_cut(data: bytes) -> None:
    """
    A decision that depends on how bytes arrive can be chosen by who sends them.
    """
    whole, cut = Relay().client(data), Relay(cut=1).client(data)

    assert (whole.to_client, whole.closed) == (cut.to_client, cut.closed)


CHUNKS: dict[str, tuple[bytes, str]] = {
    "a size with 0x": (b"0x10\r\n", "plain hexadecimal"),
    "a size with a sign": (b"+5\r\nhello\r\n", "plain hexadecimal"),
    "a size below zero": (b"-5\r\nhello\r\n", "plain hexadecimal"),
    "a blank before a size": (b" 5\r\nhello\r\n", "plain hexadecimal"),
    "a blank behind a size": (b"5 \r\nhello\r\n", "plain hexadecimal"),
    "a blank before an extension": (b"5 ;a\r\nhello\r\n", "plain hexadecimal"),
    "an underscore in a size": (b"1_0\r\n", "plain hexadecimal"),
    "an empty size": (b"\r\n", "plain hexadecimal"),
    "a size that is no number": (b"g\r\n", "plain hexadecimal"),
    "a size beyond 60 bits": (b"1" + b"0" * 15 + b"\r\n", "plain hexadecimal"),
    "a size beyond 64 bits": (b"1" + b"0" * 16 + b"\r\n", "plain hexadecimal"),
    "a size behind many zeros": (b"0" * 16 + b"5\r\nhello\r\n", "plain hexadecimal"),
    "a size with a bare line feed": (b"5\nhello\r\n", "bare line feed"),
    "an extension with a bare line feed": (b"5;a\nhello\r\n", "bare line feed"),
    "an extension with a bare carriage return": (b"5;a\rb\r\nhello\r\n", "bare carriage"),
    "an extension with a control character": (b"5;\x01\r\nhello\r\n", "plain hexadecimal"),
    "an extension without an end": (b"5;" + b"a" * 2000, "too long"),
    "data longer than its size": (b"5\r\nhello!\r\n", "longer than its size"),
    "data that ends in a bare line feed": (b"5\r\nhello\n0\r\n\r\n", "longer than its size"),
    "a last line that is a bare line feed": (b"0\r\n\n", "bare line feed"),
    "a trailer that is folded": (b"0\r\nA: b\r\n c\r\n\r\n", "folded"),
    "a trailer that is no header": (b"0\r\nGET / HTTP/1.1\r\n\r\n", "not a header"),
    "a trailer that frames the message": (
        b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
        "only a header may",
    ),
    "trailers without an end": (b"0\r\n" + b"A: b\r\n" * 6000, "too long"),
}


@pytest.mark.parametrize("cut", [2**30, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("data", "sentence"), CHUNKS.values(), ids=CHUNKS)
def test_a_malformed_chunk_ends_both_connections(data: bytes, sentence: str, cut: int) -> None:
    """
    Half a body went upstream already, and never becomes a whole one.
    """
    relay = Relay(cut=cut).client(CHUNKED, data)

    assert (b"400", "malformed", True) == (relay.status, relay.reason, relay.closed)
    assert sentence in relay.to_client.decode()
    assert not relay.to_server.endswith(b"0\r\n\r\n")


NEVER: dict[str, tuple[bytes, str]] = {
    "CONNECT": (
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
        "method_not_granted",
    ),
    "TRACE, which shows what was added": (
        b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
        "method_not_granted",
    ),
    "an upgrade to h2c": (
        get(
            b"Host: a.example",
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAMAAABkAAQAAP__",
        ),
        "upgrade",
    ),
    "an upgrade to a web socket": (
        get(b"Host: a.example", b"Connection: upgrade", b"Upgrade: websocket"),
        "upgrade",
    ),
    "an Upgrade that Connection does not list": (
        get(b"Host: a.example", b"Upgrade: h2c"),
        "upgrade",
    ),
    "settings of h2 alone": (get(b"Host: a.example", b"HTTP2-Settings: AAMA"), "upgrade"),
}


@pytest.mark.parametrize(("data", "reason"), NEVER.values(), ids=NEVER)
def test_what_would_leave_http_is_never_asked_about(data: bytes, reason: str) -> None:
    """
    Behind a tunnel or another protocol there is nothing to decide on.
    """
    relay = Relay().client(data)

    assert (b"403", reason, True) == (relay.status, relay.reason, relay.closed)
    assert (b"", []) == (relay.to_server, relay.asked)


def test_a_refusal_is_one_complete_response() -> None:
    """
    Tools print what they got: the reason must be in it, for programs and for people.
    """
    expected = (
        b"HTTP/1.1 403 Forbidden\r\n"
        b"content-type: text/plain; charset=utf-8\r\n"
        b"content-length: 44\r\n"
        b"connection: close\r\n"
        b"x-toolcell-reason: host_not_granted\r\n"
        b"\r\n"
        b"This request was refused: host_not_granted.\n"
    )
    relay = Relay(nothing).client(GET)

    assert expected == relay.to_client
    assert (b"", True) == (relay.to_server, relay.closed)


def test_a_refused_head_request_has_no_body() -> None:
    """
    A client that expects none would take it for the next response.
    """
    relay = Relay(nothing).client(GET.replace(b"GET", b"HEAD"))

    assert relay.to_client.endswith(b"x-toolcell-reason: host_not_granted\r\n\r\n")


def test_a_request_that_breaks_off_is_malformed() -> None:
    """
    A head without its end could still become any other.
    """
    relay = Relay().client(GET[:-2]).client()

    assert (b"400", True, b"") == (relay.status, relay.closed, relay.to_server)


def test_a_body_that_breaks_off_ends_both_connections() -> None:
    """
    The server must not take half a body for a whole one.
    """
    relay = Relay().client(CHUNKED, b"5\r\nhel").client()

    assert (b"400", True) == (relay.status, relay.closed)
    assert relay.to_server.endswith(b"\r\n\r\n3\r\nhel\r\n")
