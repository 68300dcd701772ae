"""
One HTTP request and its response, by a connection of its own, each fault in words for a model.

http.client and ssl alone: urllib's openers follow redirects, and a grant is for one host.  Where a
cell has a proxy (`http_proxy`), that is asked for a tunnel, or, without TLS, for the whole URL.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from toolcell_worker.errors import ToolError
from toolcell_worker.http_proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_worker.errors import Category

READ_BYTES: Final = 64 * 1024
# Characters of a URL, and % of what is encoded already (RFC 3986 2).
_KEPT: Final = "!$&'()*+,;=:@/?-._~%"
_DENIED: Final = (
    "If this result has a denial of the wall network, no call will reach this host; if not, try"
    " later."
)


@dataclass(frozen=True, slots=True)
class Request:
    """
    What is sent.  `target` is path and query.
    """

    secure: bool
    host: str
    port: int
    target: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None

    @classmethod
    def to(cls, url: str, method: str, headers: Mapping[str, str], body: bytes | None) -> Request:
        """
        Raises:
            ToolError: the URL leads to no host.
        """
        try:
            parts = urlsplit(url)
            secure, port = parts.scheme == "https", parts.port
            host = (parts.hostname or "").encode("idna").decode()
        except ValueError:
            parts, host, secure, port = urlsplit(""), "", False, None
        if not host or parts.scheme not in ("http", "https"):
            raise fault(f"{url[:200]!r} is no URL", "BAD_URL", "Write it as https://host/path.")
        query = f"?{parts.query}" if parts.query else ""
        target = quote(f"{parts.path or '/'}{query}", safe=_KEPT)
        return cls(secure, host, port or (443 if secure else 80), target, method, headers, body)


@dataclass(frozen=True, slots=True)
class Response:
    """
    What came back: `data` is the body as far as it was wanted, `more` whether there was more.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    data: bytes
    more: bool


def exchange(request: Request, seconds: float, max_bytes: int) -> Response:
    """
    Send a request and read its response.

    Raises:
        ToolError: nothing came of it; says why, and who can do something about it.
    """
    deadline = time.monotonic() + seconds
    proxy = Proxy.found()
    connection = _connection(request, proxy, seconds)
    with _explained(request, seconds), contextlib.closing(connection) as one:
        one.connect()
        _hurry(one.sock, deadline)
        one.request(request.method, *_told(request, proxy))
        _hurry(one.sock, deadline)
        # The response takes the socket over if it ends the connection: `one` has none then.
        peer = one.sock
        response = one.getresponse()
        data = _read(response, peer, deadline, max_bytes + 1)
    return Response(
        status=response.status,
        reason=response.reason,
        headers=[(name.lower(), str(value)) for name, value in response.getheaders()],
        data=data[:max_bytes],
        more=len(data) > max_bytes,
    )


def fault(
    message: str, code: str, hint: str, category: Category = "user", *, retryable: bool = False
) -> ToolError:
    """
    A fault of a request; the spoken sentence is the same for all.
    """
    spoken = "I could not get an answer from that site."
    return ToolError(message, code, category, retryable, hint, spoken)


def _connection(
    request: Request, proxy: Proxy | None, seconds: float
) -> http.client.HTTPConnection:
    host, port = (proxy.host, proxy.port) if proxy else (request.host, request.port)
    if not request.secure:
        return http.client.HTTPConnection(host, port, timeout=seconds)
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    secure = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    if proxy:
        secure.set_tunnel(request.host, request.port, proxy.headers)
    return secure


def _told(request: Request, proxy: Proxy | None) -> tuple[str, bytes | None, dict[str, str]]:
    """
    Target, body and headers, as whoever reads them first takes them.
    """
    if proxy is None or request.secure:
        return request.target, request.body, dict(request.headers)
    target = f"http://{request.host}:{request.port}{request.target}"
    return target, request.body, {**request.headers, **proxy.headers}


def _hurry(peer: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    peer.settimeout(left)


def _read(
    response: http.client.HTTPResponse, peer: socket.socket, deadline: float, wanted: int
) -> bytes:
    data = bytearray()
    while len(data) < wanted:
        if not response.isclosed() and peer.fileno() >= 0:
            _hurry(peer, deadline)
        part = response.read1(min(READ_BYTES, wanted - len(data)))
        if not part:
            break
        data += part
    if len(data) < wanted and response.length:
        raise http.client.IncompleteRead(bytes(data), response.length)
    return bytes(data)


@contextlib.contextmanager
def _explained(request: Request, seconds: float) -> Iterator[None]:
    """
    Faults of the network as faults of the tool, the special ones first.
    """
    where = f"{request.host}:{request.port}"
    # What has begun may have been done: only what changes nothing is simply sent again.
    harmless = request.method in ("GET", "HEAD")
    try:
        yield
    except socket.gaierror:
        message, hint = f"{request.host} has no address, or was denied", "Check the name. "
        raise fault(message, "HOST_NOT_FOUND", hint + _DENIED) from None
    except ssl.SSLCertVerificationError as exc:
        message = f"the certificate of {where} is not trusted: {exc.verify_message}"
        hint = "Check the name of the host; that its certificate is trusted is the operator's."
        raise fault(message, "TLS_NOT_TRUSTED", hint, "permanent") from None
    except TimeoutError:
        message, hint = f"no answer from {where} in {seconds:g} s", "Try later, or wait longer."
        raise fault(message, "TIMEOUT", hint, "temporary", retryable=harmless) from None
    except (ConnectionError, ssl.SSLEOFError, http.client.IncompleteRead) as exc:
        message = f"{where} refused the connection or broke it off ({type(exc).__name__})"
        raise fault(message, "CONNECTION_FAILED", _DENIED, "temporary") from None
    except ssl.SSLError as exc:
        message, hint = f"{where} speaks no TLS: {exc.reason}", "Check port and scheme of the URL."
        raise fault(message, "TLS_FAILED", hint, "permanent") from None
    except http.client.HTTPException as exc:
        message, hint = f"{where} sent no HTTP: {exc!r:.200}", "Check port and scheme of the URL."
        raise fault(message, "BAD_RESPONSE", hint, "permanent") from None
    except OSError as exc:
        message = f"{where} cannot be reached: {exc.strerror or exc}"  # a proxy's no has no number
        raise fault(message, "CONNECTION_FAILED", _DENIED, "temporary") from None
