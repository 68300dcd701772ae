"""
The first head that a proxy reads: whose it is, and where it leads.
"""

from __future__ import annotations

from base64 import b64encode

import pytest
from fuzz.proxy_target import TOKEN, one_input
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.egress.entrance import Entrance, Way
from toolcell_server.egress.http_errors import Malformed
from toolcell_server.egress.http_lines import REQUEST_LINE, HeadLines, RawHead
from toolcell_server.egress.proxy_requests import HEAD_BYTES, authorised, entrance_of


def head(*lines: str) -> RawHead:
    waiting = bytearray("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1"))
    raw = HeadLines(REQUEST_LINE, HEAD_BYTES).take(waiting)
    assert raw is not None
    return raw


TUNNELS = {
    "as urllib and urllib3": (("CONNECT a.example:443 HTTP/1.0",), ("a.example", 443)),
    "as curl": (
        ("CONNECT a.example:443 HTTP/1.1", "Host: a.example:443", "Proxy-Connection: Keep-Alive"),
        ("a.example", 443),
    ),
    "with a Host that has no port": (
        ("CONNECT a.example:8443 HTTP/1.1", "Host: A.example"),
        ("a.example", 8443),
    ),
    "with a body of no bytes": (
        ("CONNECT a.example:1 HTTP/1.1", "Host: a.example:1", "Content-Length: 0"),
        ("a.example", 1),
    ),
    "to a name that is decided about later": (
        ("CONNECT x@[::1]:443 HTTP/1.0",),
        ("x@[::1]", 443),
    ),
}


@pytest.mark.parametrize(("lines", "place"), TUNNELS.values(), ids=TUNNELS)
def test_a_tunnel_leads_to_the_host_and_port_of_its_line(
    lines: tuple[str, ...], place: tuple[str, int]
) -> None:
    """
    What follows the head is for whoever is behind the proxy.
    """
    assert Entrance(*place, Way.TUNNEL, b"early") == entrance_of(head(*lines), b"early")


URLS = {
    "http://a.example/": ("a.example", 80),
    "HTTP://a.example:8080/path?query": ("a.example", 8080),
    "http://a.example?query": ("a.example", 80),
    "http://user@a.example/": ("user@a.example", 80),
    "http://[::1]/": ("[::1]", 80),
    "http://[::1]:81/": ("[::1]", 81),
}


@pytest.mark.parametrize(("url", "place"), URLS.items(), ids=URLS)
def test_a_url_of_http_is_forwarded_whole(url: str, place: tuple[str, int]) -> None:
    """
    The gate reads the same bytes again, and writes them anew.
    """
    raw = head(f"GET {url} HTTP/1.1", "Host: a.example")

    assert Entrance(*place, Way.FORWARD, raw.data + b"more") == entrance_of(raw, b"more")


MALFORMED = {
    "a path": ("GET / HTTP/1.1", "Host: a.example"),
    "an asterisk": ("OPTIONS * HTTP/1.1", "Host: a.example"),
    "a URL of https": ("GET https://a.example/ HTTP/1.1", "Host: a.example"),
    "a URL without a host": ("GET http:/// HTTP/1.1", "Host: a.example"),
    "a URL without slashes": ("GET http:a.example HTTP/1.1", "Host: a.example"),
    "a URL to connect to": ("CONNECT http://a.example/ HTTP/1.0",),
    "no port": ("CONNECT a.example HTTP/1.0",),
    "an empty port": ("CONNECT a.example: HTTP/1.0",),
    "port 0": ("CONNECT a.example:0 HTTP/1.0",),
    "a port beyond": ("CONNECT a.example:65536 HTTP/1.0",),
    "a port with a sign": ("CONNECT a.example:+443 HTTP/1.0",),
    "a port with a zero before it": ("CONNECT a.example:0443 HTTP/1.0",),
    "no host": ("CONNECT :443 HTTP/1.0",),
    "an address without a port": ("CONNECT [::1] HTTP/1.0",),
    "another Host": ("CONNECT a.example:443 HTTP/1.1", "Host: b.example:443"),
    "a Host of another port": ("CONNECT a.example:443 HTTP/1.1", "Host: a.example:444"),
    "two Hosts": ("CONNECT a.example:443 HTTP/1.1", "Host: a.example", "Host: a.example"),
    "HTTP/1.1 without a Host": ("CONNECT a.example:443 HTTP/1.1",),
    "a body": ("CONNECT a.example:443 HTTP/1.0", "Content-Length: 5"),
    "a body in chunks": (
        "CONNECT a.example:443 HTTP/1.1",
        "Host: a.example",
        "Transfer-Encoding: chunked",
    ),
    "connect in small letters": ("connect a.example:443 HTTP/1.0",),
}


@pytest.mark.parametrize("lines", MALFORMED.values(), ids=MALFORMED)
def test_what_could_be_read_in_two_ways_leads_nowhere(lines: tuple[str, ...]) -> None:
    with pytest.raises(Malformed):
        entrance_of(head(*lines), b"")


def basic(text: str) -> str:
    return b64encode(text.encode()).decode()


OURS = f"Proxy-Authorization: Basic {basic(f'cell:{TOKEN}')}"
AUTHORISED = {
    "as clients make it": ((OURS,), True),
    "the scheme in small letters": ((OURS.replace("Basic", "basic"),), True),
    "none": ((), False),
    "no credentials": (("Proxy-Authorization: Basic",), False),
    "nothing": (("Proxy-Authorization:",), False),
    "another token": ((f"Proxy-Authorization: Basic {basic('cell:' + '0' * 32)}",), False),
    "a token that begins so": (
        (f"Proxy-Authorization: Basic {basic(f'cell:{TOKEN[:-1]}')}",),
        False,
    ),
    "a token that goes on": ((f"Proxy-Authorization: Basic {basic(f'cell:{TOKEN}x')}",), False),
    "an empty token": ((f"Proxy-Authorization: Basic {basic('cell:')}",), False),
    "another user": ((f"Proxy-Authorization: Basic {basic(f'tool:{TOKEN}')}",), False),
    "another scheme": ((OURS.replace("Basic", "Bearer"),), False),
    "the token bare": ((f"Proxy-Authorization: Basic {TOKEN}",), False),
    "twice": ((OURS, OURS), False),
    "another one first": (("Proxy-Authorization: Basic eDp5", OURS), False),
    "for the host instead": ((OURS.removeprefix("Proxy-"),), False),
    "beyond ASCII": (("Proxy-Authorization: Basic \xff\xfe",), False),
}


@pytest.mark.parametrize(("lines", "expected"), AUTHORISED.values(), ids=AUTHORISED)
def test_the_token_comes_once_and_whole(lines: tuple[str, ...], expected: bool) -> None:
    raw = head("CONNECT a.example:443 HTTP/1.0", *lines)

    assert expected is authorised(raw, TOKEN)


def test_no_repr_shows_what_a_client_sent() -> None:
    """
    It has the token in it.
    """
    raw = head("GET http://a.example/ HTTP/1.1", "Host: a.example", OURS)

    assert basic(f"cell:{TOKEN}") not in repr(entrance_of(raw, b""))


def test_a_head_is_bounded() -> None:
    with pytest.raises(Malformed, match=str(HEAD_BYTES)):
        HeadLines(REQUEST_LINE, HEAD_BYTES).take(bytearray(b"CONNECT " + b"a" * HEAD_BYTES))


WORDS = st.sampled_from(
    [
        *(b"CONNECT ", b"GET ", b"POST ", b"connect ", b"OPTIONS * "),
        *(b"a.example:443", b"a.example", b"b.example:443", b"127.0.0.1:443", b"[::1]:443"),
        *(b"http://a.example", b"http://a.example:80/x", b"https://a.example/", b"//a.example/"),
        *(b"@", b":", b"/", b"?", b"#", b"%2e", b"[", b"]", b"\\", b":0", b":99999", b" ", b"\t"),
        *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b"\r\n", b"\n", b"\r", b"\0"),
        *(b"Host: a.example\r\n", b"Host: a.example:443\r\n", b"Host: b.example\r\n", b"Host:"),
        *(f"{OURS}\r\n".encode(), b"Proxy-Authorization: Basic eDp5\r\n", b"\x16\x03\x01"),
        *(b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"),
    ]
)
LINES = st.sampled_from(
    [
        *("CONNECT a.example:443 HTTP/1.0", "CONNECT a.example:443 HTTP/1.1"),
        *("GET http://a.example/ HTTP/1.1", "Host: a.example", "Host: a.example:443", OURS),
    ]
).map(lambda line: f"{line}\r\n".encode())


@given(st.lists(st.one_of(WORDS, LINES, st.binary(max_size=6)), max_size=16).map(b"".join))
def test_words_in_any_order_break_no_promise(data: bytes) -> None:
    """
    A port takes whatever is thrown at it.
    """
    one_input(data)


@given(st.lists(LINES, max_size=5), st.integers(0, 300), st.binary(max_size=4))
def test_a_mutated_head_breaks_no_promise(lines: list[bytes], where: int, what: bytes) -> None:
    data = b"".join(lines) + b"\r\n"
    place = where % len(data)

    one_input(data[:place] + what + data[place + len(what) :])
