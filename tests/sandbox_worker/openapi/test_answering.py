from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from toolcell_worker.errors import ResultInvalid, ResultTooLarge, ToolError
from toolcell_worker.http_sending import Request, Response
from toolcell_worker.openapi import answering
from toolcell_worker.openapi.operation import Operation

JSON = "application/json"


def told(
    data: bytes = b"{}",
    status: int = 200,
    kind: str = JSON,
    *,
    answer: Literal["body", "response"] = "body",
    method: str = "GET",
    more: bool = False,
    **headers: str,
) -> Any:
    operation = Operation(method=method, url="", path="", answer=answer)
    request = Request(False, "h.test", 80, "/", method, {}, None)
    given = [("content-type", kind), *((n.replace("_", "-"), v) for n, v in headers.items())]
    response = Response(status, "Reason", given, data, more)
    return answering.result_of(operation, request, response, 1000)


def failure(*arguments: Any, **options: Any) -> ToolError:
    with pytest.raises(ToolError) as raised:
        told(*arguments, **options)
    return raised.value


def test_json_is_the_result() -> None:
    assert told(b'{"a": [1, null]}') == {"a": [1, None]}


def test_a_response_is_told_whole_where_that_was_agreed() -> None:
    assert told(b"\x89", 201, "image/png", answer="response", x_own="1") == {
        "status": 201,
        "headers": {"content-type": "image/png", "x-own": "1"},
        "encoding": "base64",
        "body": "iQ==",
    }


@pytest.mark.parametrize(("data", "kind"), [(b"<html>", "text/html"), (b"{", JSON), (b"", JSON)])
def test_what_should_be_json_and_is_not_is_no_result(data: bytes, kind: str) -> None:
    with pytest.raises(ResultInvalid, match="where JSON belongs"):
        told(data, kind=kind)


def test_a_response_that_was_cut_is_no_result() -> None:
    with pytest.raises(ResultTooLarge):
        told(more=True)


def test_the_body_of_an_error_is_shown_and_bounded() -> None:
    short = failure(json.dumps({"message": "no such pet"}).encode(), 404)
    long = failure(b"x" * 100_000, 500, "text/plain")

    assert short.message == 'h.test answered 404 Reason: {"message": "no such pet"}'
    assert len(long.message) < 2200
    assert long.message.endswith(" …")


def test_bytes_are_not_shown() -> None:
    assert failure(b"\x89PNG\0", 500, "image/png").message == "h.test answered 500 Reason"
    assert failure(b"text", 500, content_encoding="gzip").message == "h.test answered 500 Reason"


@pytest.mark.parametrize(
    ("status", "method", "category", "retryable"),
    [
        (302, "GET", "permanent", False),
        (400, "GET", "user", False),
        (401, "GET", "permanent", False),
        (403, "GET", "permanent", False),
        (404, "GET", "user", False),
        (429, "POST", "temporary", True),
        (500, "GET", "temporary", True),
        (503, "PUT", "temporary", True),
        (503, "POST", "temporary", False),  # it may have been done
    ],
)
def test_a_status_says_who_can_do_something(
    status: int, method: str, category: str, retryable: bool
) -> None:
    found = failure(status=status, method=method)

    assert (found.code, found.category, found.retryable) == (f"HTTP_{status}", category, retryable)


def test_what_our_own_way_out_says_is_not_the_hosts() -> None:
    assert failure(status=403, x_toolcell_reason="path_not_granted").code == "HOST_DENIED"
