"""
What a response is to a caller: the result of the tool, or why there is none.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_worker import http_contents
from toolcell_worker.errors import ResultInvalid, ResultTooLarge, ToolError

if TYPE_CHECKING:
    from toolcell_worker.errors import Category
    from toolcell_worker.http_sending import Request, Response
    from toolcell_worker.openapi.operation import Operation

# Bytes of a response's body in the message of an error: enough for what an API says of itself.
SHOWN_BYTES = 2048
REPEATABLE = ("GET", "HEAD", "PUT", "DELETE")
TOO_MANY = 429
_REFUSED_BY_US = "x-toolcell-reason"
# Who can do something about a status; others of 4xx are the user's, of 5xx time's.
_OPERATORS = {401: "credential", 403: "right", 407: "proxy"}


def result_of(operation: Operation, request: Request, response: Response, most: int) -> Any:
    """
    The result.

    Raises:
        ResultInvalid: it should be JSON, and is not.
        ResultTooLarge: it has more than `most` bytes.
        ToolError: the status says that nothing came of it.
    """
    if not 200 <= response.status < 300:
        raise failure(request, response)
    if response.more:
        raise ResultTooLarge(f"more than {most}", most)
    headers = dict(response.headers)
    encoding, body = _told(response, headers)
    if operation.answer == "body":
        if encoding != "json":
            kind = headers.get("content-type", "no type")
            raise ResultInvalid(f"{request.host} answered with {kind:.80} where JSON belongs")
        return body
    return {"status": response.status, "headers": headers, "encoding": encoding, "body": body}


def failure(request: Request, response: Response) -> ToolError:
    """
    What a status means that is no success.
    """
    headers = dict(response.headers)
    if _REFUSED_BY_US in headers and response.status in (403, 502):
        message = f"the way out to {request.host} is closed: {headers[_REFUSED_BY_US]:.80}"
        hint = "Do not repeat the call: see the denials of this result."
        return ToolError(message, "HOST_DENIED", "permanent", hint=hint, spoken=SPOKEN)
    category, hint = _who(response.status)
    retryable = response.status == TOO_MANY or (
        category == "temporary" and request.method in REPEATABLE
    )
    shown = _shown(response, headers)
    message = f"{request.host} answered {response.status} {response.reason:.80}{shown}"
    return ToolError(message, f"HTTP_{response.status}", category, retryable, hint, SPOKEN)


SPOKEN = "The service did not do it."


def _who(status: int) -> tuple[Category, str]:
    if status == TOO_MANY or status >= 500:
        return "temporary", "Wait a while, then try again."
    if status in _OPERATORS:
        return "permanent", f"Do not repeat the call: the {_OPERATORS[status]} is the operator's."
    if 300 <= status < 400:
        return (
            "permanent",
            "It leads elsewhere, and is not followed: the base URL is to be changed.",
        )
    return "user", "Correct the arguments as the message says."


def _shown(response: Response, headers: dict[str, str]) -> str:
    cut = response.more or len(response.data) > SHOWN_BYTES
    packed = headers.get("content-encoding", "").lower() not in ("", "identity")
    kind = headers.get("content-type", "")
    data = response.data[:SHOWN_BYTES]
    encoding, body = http_contents.told(data, kind, encoded=packed, cut=True)
    if encoding != "text" or not body:
        return ""
    return f": {body}{' …' if cut else ''}"


def _told(response: Response, headers: dict[str, str]) -> tuple[str, Any]:
    packed = headers.get("content-encoding", "").lower() not in ("", "identity")
    kind = headers.get("content-type", "")
    return http_contents.told(response.data, kind, encoded=packed, cut=False)
