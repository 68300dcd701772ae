"""
Sends one HTTP request.  Where it may go is not decided here, but by the egress, outside the cell.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urljoin

import msgspec

from toolcell_worker import http_contents, http_headers, http_sending, tool
from toolcell_worker.http_sending import Request, Response, fault

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
WITHOUT_BODY = ("GET", "HEAD")
SECONDS = 60
MAXIMUM_BYTES = 2 * 1024 * 1024  # arbitrary; far more than a model reads
# JSON writes a control character as six; and the headers.
RESULT_BYTES = 7 * MAXIMUM_BYTES
_REFUSED_BY_US = "x-toolcell-reason"


class HttpResponse(msgspec.Struct, kw_only=True):
    """
    `headers` have lower-case names and a list of values each.  `encoding` says what `body` is: a
    "json" value, "text", or bytes as "base64".  `truncated`: the body was cut at max_bytes.
    `size` is that of the whole body in bytes, null if nobody said.  `location` is where a redirect
    leads, which was not followed.
    """

    status: int
    reason: str
    headers: dict[str, list[str]]
    content_type: str
    encoding: http_contents.Encoding
    body: Any
    truncated: bool
    size: int | None
    location: str | None
    hint: str | None


@tool(
    title="Send an HTTP request",
    category="network",
    tags=["http", "https", "web", "api", "fetch", "download", "url"],
    effects="writes",
    limits={"wall_seconds": SECONDS + 10, "result_bytes": RESULT_BYTES},
    domains=["{url}"],
)
def http_request(  # noqa: PLR0917  # each is an argument that models know
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)],
    method: Method = "GET",
    headers: dict[str, str] | None = None,
    body: str | None = None,
    json: Any = None,
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=SECONDS)] = 20,
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=MAXIMUM_BYTES)] = 256 * 1024,
) -> HttpResponse:
    """
    Send one HTTP request and return the response, whatever its status: fetch a page, call an API.

    Only the host and port of url can be reached. A redirect is not followed: the result has its
    status and location, and to follow it is another call, with that URL.

    Args:
        url: Where to, as https://host/path?query.
        method: POST, PUT, PATCH and DELETE may change something there.
        headers: Header names and values, for example {"Accept": "application/json"}.
        body: Text to send; not with GET or HEAD.
        json: Any JSON value to send instead of body; its Content-Type is set for you.
        timeout_seconds: Give up after so many seconds.
        max_bytes: Return at most so many bytes of the body.

    Returns:
        Status, headers and body: a JSON value, text, or base64, as encoding says.
    """
    sent = dict(headers or {})
    http_headers.check(sent)
    request = Request.to(url, method, sent, _body(method, sent, body, json))
    response = http_sending.exchange(request, timeout_seconds, max_bytes)
    return _result(url, method, response)


def _body(method: str, headers: dict[str, str], body: str | None, json: Any) -> bytes | None:
    """
    What is sent, and its type among the headers.
    """
    if body is None and json is None:
        return None
    if method in WITHOUT_BODY:
        message, hint = (
            f"{method} has no body",
            "Put values into the query of the URL, or use POST.",
        )
        raise fault(message, "BODY_NOT_ALLOWED", hint)
    if body is not None and json is not None:
        raise fault("body and json are both given", "TWO_BODIES", "Give one of the two.")
    if not any(name.lower() == "content-type" for name in headers):
        kind = "text/plain; charset=utf-8" if json is None else "application/json"
        headers["Content-Type"] = kind
    return msgspec.json.encode(json) if body is None else body.encode()


def _result(url: str, method: str, response: Response) -> HttpResponse:
    headers: dict[str, list[str]] = {}
    for name, value in response.headers:
        headers.setdefault(name, []).append(value)
    kind = _first(headers, "content-type")
    packed = _first(headers, "content-encoding").lower() not in ("", "identity")
    encoding, body = http_contents.told(response.data, kind, encoded=packed, cut=response.more)
    location = urljoin(url, _first(headers, "location")) if _redirects(response, headers) else None
    return HttpResponse(
        status=response.status,
        reason=response.reason,
        headers=headers,
        content_type=kind,
        encoding=encoding,
        body=body,
        truncated=response.more,
        size=_size(method, response, headers),
        location=location,
        hint=_hint(response, headers, location),
    )


def _redirects(response: Response, headers: dict[str, list[str]]) -> bool:
    return 300 <= response.status < 400 and bool(_first(headers, "location"))


def _size(method: str, response: Response, headers: dict[str, list[str]]) -> int | None:
    if not response.more and method != "HEAD":
        return len(response.data)
    length = _first(headers, "content-length")
    return int(length) if re.fullmatch("[0-9]{1,15}", length) else None


def _hint(response: Response, headers: dict[str, list[str]], location: str | None) -> str | None:
    if location is not None:
        return "This is a redirect. To follow it, call again with location as url."
    if _REFUSED_BY_US in headers and response.status in (403, 502):
        return "The way out answered, not the host: see the denials of this result."
    if response.more:
        return "The body was cut. Ask for a part of it, or for more with max_bytes."
    return None


def _first(headers: dict[str, list[str]], name: str) -> str:
    return headers.get(name, [""])[0]
