"""
`http_request` against servers of one answer each: what comes of whatever they say.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from performing import builtin, perform

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b"HTTP/1.1 200 OK\r\n"
SILENT = object()


@contextlib.contextmanager
def answering(said: Any) -> Iterator[tuple[str, list[bytes]]]:
    """
    The URL of a server that says this to the first who comes, and what it was sent.
    """
    heard: list[bytes] = []
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as peer:
            heard.append(peer.recv(65536))
            if said is SILENT:
                over.wait(30)
            else:
                peer.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", heard
        finally:
            over.set()
            with contextlib.suppress(OSError), socket.create_connection(listener.getsockname()):
                thread.join()


def request(url: str, **arguments: Any) -> Any:
    return perform(builtin("http_request"), {"url": url, **arguments})


def test_what_is_sent_says_only_what_the_caller_said() -> None:
    """
    No name of a proxy, no cookie, nothing of the environment.
    """
    with answering(OK + b"Content-Length: 0\r\n\r\n") as (url, heard):
        request(f"{url}a b/é?q=ü#part", headers={"X-Own": "1"})

    host = url.removeprefix("http://").strip("/")
    assert [
        "GET /a%20b/%C3%A9?q=%C3%BC HTTP/1.1",
        f"Host: {host}",
        "Accept-Encoding: identity",
        "X-Own: 1",
    ] == heard[0].decode().split("\r\n")[:-2]


def test_what_is_encoded_already_is_not_encoded_again() -> None:
    """
    %2F is not a slash, and %252F neither.
    """
    with answering(OK + b"Content-Length: 0\r\n\r\n") as (url, heard):
        request(f"{url}a%2Fb?x=%26")

    assert heard[0].startswith(b"GET /a%2Fb?x=%26 HTTP/1.1\r\n")


def test_headers_that_come_twice_are_kept() -> None:
    """
    Cookies are such; their names are told in small letters.
    """
    with answering(OK + b"Set-Cookie: a=1\r\nset-cookie: b=2\r\n\r\nbody") as (url, _):
        found = request(url).result

    assert (["a=1", "b=2"], "body") == (found["headers"]["set-cookie"], found["body"])


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BODIES: dict[str, tuple[bytes, str, bool, int | None]] = {
    "chunks": (CHUNKED + b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", "abcd", False, 4),
    "more chunks than wanted": (CHUNKED + b"6\r\nabcdef\r\n", "abcd", True, None),
    "until the end": (OK + b"\r\nabcd", "abcd", False, 4),
    "longer than wanted": (OK + b"Content-Length: 9\r\n\r\nabcdefghi", "abcd", True, 9),
    "after an interim answer": (
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na",
        "a",
        False,
        1,
    ),
    "none": (b"HTTP/1.1 204 No Content\r\n\r\n", "", False, 0),
}


@pytest.mark.parametrize(("said", "body", "cut", "size"), BODIES.values(), ids=BODIES)
def test_a_body_is_read_to_its_end_or_to_what_was_wanted(
    said: bytes, body: str, cut: bool, size: int | None
) -> None:
    """
    In each of the ways in which HTTP says where a body ends.
    """
    with answering(said) as (url, _):
        found = request(url, max_bytes=4).result

    assert (body, cut, size) == (found["body"], found["truncated"], found["size"])


def test_a_redirect_within_a_host_is_told_as_a_whole_url() -> None:
    """
    Whoever follows it calls again, and that needs a URL.
    """
    with answering(b"HTTP/1.1 301 Moved\r\nLocation: ../b\r\nContent-Length: 0\r\n\r\n") as (
        url,
        _,
    ):
        found = request(f"{url}a/c").result

    assert f"{url}b" == found["location"]


FAULTS: dict[str, tuple[Any, str, str, bool]] = {
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", "BAD_RESPONSE", "permanent", False),
    "a line without end": (OK + b"a" * 70_000, "BAD_RESPONSE", "permanent", False),
    "nothing": (b"", "CONNECTION_FAILED", "temporary", False),
    "half a body": (OK + b"Content-Length: 9\r\n\r\nabc", "CONNECTION_FAILED", "temporary", False),
    "half a chunk": (CHUNKED + b"9\r\nabc", "CONNECTION_FAILED", "temporary", False),
    "silence": (SILENT, "TIMEOUT", "temporary", True),
}


@pytest.mark.parametrize(("said", "code", "category", "again"), FAULTS.values(), ids=FAULTS)
def test_a_fault_says_whose_it_is(said: Any, code: str, category: str, again: bool) -> None:
    """
    A model that is told "failed" calls again, and again.
    """
    with answering(said) as (url, _):
        raised = request(url, timeout_seconds=0.5).raised

    assert (code, category, again) == (raised["code"], raised["category"], raised["retryable"])
    assert raised["hint"]


def test_what_may_have_been_done_is_not_called_harmless_to_repeat() -> None:
    """
    An order that nobody answered may be on its way.
    """
    with answering(SILENT) as (url, _):
        raised = request(url, method="POST", timeout_seconds=0.5).raised

    assert ("TIMEOUT", False) == (raised["code"], raised["retryable"])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a line end in a value": ({"headers": {"X": "a\r\nY: b"}}, "BAD_HEADER"),
    "a line end in a name": ({"headers": {"X\n": "a"}}, "BAD_HEADER"),
    "a colon in a name": ({"headers": {"X:": "a"}}, "BAD_HEADER"),
    "an empty name": ({"headers": {"": "a"}}, "BAD_HEADER"),
    "a zero in a value": ({"headers": {"X": "\0"}}, "BAD_HEADER"),
    "a value that is not Latin": ({"headers": {"X": "☃"}}, "BAD_HEADER"),
    "another host": ({"headers": {"HOST": "other.example"}}, "BAD_HEADER"),
    "a length of one's own": ({"headers": {"Content-Length": "1"}}, "BAD_HEADER"),
    "a body with GET": ({"body": ""}, "BODY_NOT_ALLOWED"),
    "JSON with HEAD": ({"method": "HEAD", "json": 1}, "BODY_NOT_ALLOWED"),
    "two bodies": ({"method": "PUT", "body": "", "json": 1}, "TWO_BODIES"),
    "no URL": ({"url": "nothing"}, "BAD_URL"),
    "no port": ({"url": "http://a.example:http/"}, "BAD_URL"),
    "another scheme": ({"url": "file:///etc/passwd"}, "BAD_URL"),
    "a name that is none": ({"url": "http://a..b/"}, "BAD_URL"),
}


@pytest.mark.parametrize(("arguments", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_refused_before_anything_is(
    arguments: dict[str, Any], code: str
) -> None:
    """
    With a header of its own choice a value writes requests, and names another host behind TLS.
    """
    raised = request(**{"url": "http://127.0.0.1:9/", **arguments}).raised

    assert (code, "user") == (raised["code"], raised["category"])
    assert raised["hint"]


def test_a_port_that_nobody_listens_on_points_at_the_denials() -> None:
    """
    In a cell a denied connection looks just like that.
    """
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]

    raised = request(f"http://127.0.0.1:{port}/").raised

    assert ("CONNECTION_FAILED", True) == (raised["code"], "denial" in raised["hint"])


def test_a_name_without_an_address_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody outside is asked by a test.
    """

    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    assert "HOST_NOT_FOUND" == request("http://nobody.invalid/").raised["code"]
