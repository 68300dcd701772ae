from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from toolcell_worker.errors import ToolError
from toolcell_worker.openapi.operation import Operation
from toolcell_worker.openapi.writing import request_of

if TYPE_CHECKING:
    from toolcell_worker.http_sending import Request

COLOURS = ["blue", "black", "brown"]
RGB = {"R": 100, "G": 200, "B": 150}


def operation(path: str = "/a", method: str = "POST", **fields: Any) -> Operation:
    told = {"method": method, "url": "https://h.test:444/v1", "path": path, **fields}
    return msgspec.convert(told, Operation)


def parameter(place: str, style: str, *, explode: bool = False, **more: Any) -> dict[str, Any]:
    told = {"argument": "c", "name": "color", "place": place, "style": style, "explode": explode}
    return {**told, **more}


def written(place: str, style: str, value: Any, *, explode: bool = False, **more: Any) -> Request:
    path = "/a/{color}" if place == "path" else "/a"
    told = operation(path, parameters=[parameter(place, style, explode=explode, **more)])
    return request_of(told, {"c": value})


# As the table of OpenAPI 3.1.1, "Style Examples", says; a comma of ours is not encoded.
QUERIES: dict[tuple[str, bool, str], str] = {
    ("form", False, "text"): "color=blue",
    ("form", False, "list"): "color=blue,black,brown",
    ("form", False, "object"): "color=R,100,G,200,B,150",
    ("form", True, "text"): "color=blue",
    ("form", True, "list"): "color=blue&color=black&color=brown",
    ("form", True, "object"): "R=100&G=200&B=150",
    ("spaceDelimited", False, "list"): "color=blue%20black%20brown",
    ("spaceDelimited", False, "object"): "color=R%20100%20G%20200%20B%20150",
    ("pipeDelimited", False, "list"): "color=blue%7Cblack%7Cbrown",
    ("pipeDelimited", False, "object"): "color=R%7C100%7CG%7C200%7CB%7C150",
    ("deepObject", True, "object"): "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150",
}
SIMPLE: dict[tuple[bool, str], str] = {
    (False, "text"): "blue",
    (False, "list"): "blue,black,brown",
    (False, "object"): "R,100,G,200,B,150",
    (True, "text"): "blue",
    (True, "list"): "blue,black,brown",
    (True, "object"): "R=100,G=200,B=150",
}
VALUES: dict[str, Any] = {"text": "blue", "list": COLOURS, "object": RGB}


@pytest.mark.parametrize("case", QUERIES, ids=str)
def test_a_query_is_written_as_the_specification_says(case: tuple[str, bool, str]) -> None:
    style, explode, kind = case

    assert written("query", style, VALUES[kind], explode=explode).target == f"/v1/a?{QUERIES[case]}"


@pytest.mark.parametrize("case", SIMPLE, ids=str)
def test_a_path_and_a_header_are_written_as_the_specification_says(case: tuple[bool, str]) -> None:
    explode, kind = case

    assert (
        written("path", "simple", VALUES[kind], explode=explode).target == f"/v1/a/{SIMPLE[case]}"
    )
    assert (
        written("header", "simple", VALUES[kind], explode=explode).headers["color"] == SIMPLE[case]
    )


def test_cookies_are_one_header() -> None:
    two = [parameter("cookie", "form"), parameter("cookie", "form", argument="d", name="b")]

    assert (
        request_of(operation(parameters=two), {"c": "x;y", "d": 1}).headers["Cookie"]
        == "color=x%3By; b=1"
    )


def test_values_are_encoded_whole() -> None:
    assert (
        written("query", "form", "a&b=c#d?é /").target == "/v1/a?color=a%26b%3Dc%23d%3F%C3%A9%20%2F"
    )
    assert written("path", "simple", "a?b#c%2e").target == "/v1/a/a%3Fb%23c%252e"


def test_numbers_switches_and_nothing_are_written_plainly() -> None:
    values: tuple[Any, ...] = (1.5, True, [], None)
    told = [written("query", "form", value).target for value in values]

    assert told == ["/v1/a?color=1.5", "/v1/a?color=true", "/v1/a", "/v1/a"]


def test_a_parameter_may_be_json() -> None:
    assert (
        written("query", "form", {"a": [1]}, json=True).target
        == "/v1/a?color=%7B%22a%22%3A%5B1%5D%7D"
    )


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "..\\b", ["a", ".."], {"a": "/"}])
def test_a_path_is_refused_that_could_lead_elsewhere(value: Any) -> None:
    with pytest.raises(ToolError, match="another path"):
        written("path", "simple", value)


def test_a_header_of_two_lines_is_refused() -> None:
    with pytest.raises(ToolError, match="line end"):
        written("header", "simple", "a\r\nHost: evil.test")


def test_a_missing_part_of_the_path_is_named() -> None:
    with pytest.raises(ToolError, match="color is missing"):
        request_of(operation("/a/{color}", parameters=[parameter("path", "simple")]), {})


def body(kind: str, content_type: str, arguments: dict[str, Any], **more: Any) -> bytes | None:
    told = {"kind": kind, "content_type": content_type, "required": False, **more}
    return request_of(operation(body=told), arguments).body


def test_a_body_is_json_a_form_or_text() -> None:
    fields = {"x": "a", "body_b": "b"}

    assert body("json", "application/json", {"x": 1, "other": 2}, fields=fields) == b'{"a":1}'
    assert body("json", "application/json", {"x": [1]}, argument="x") == b"[1]"
    assert body("json", "application/json", {"x": None}, argument="x") == b"null"
    assert (
        body("form", "f", {"x": ["1", "&"], "body_b": True}, fields=fields) == b"a=1&a=%26&b=true"
    )
    assert body("text", "text/plain", {"x": "é"}, argument="x") == "é".encode()


def test_a_body_that_is_left_out_is_not_sent_unless_it_must_be() -> None:
    fields = {"x": "a"}

    assert body("json", "application/json", {}, fields=fields) is None
    assert body("json", "application/json", {}, argument="x") is None
    assert body("json", "application/json", {}, fields=fields, required=True) == b"{}"


def test_the_place_is_the_servers_and_nothing_of_an_argument() -> None:
    request = written("query", "form", "@evil.test/")

    assert (request.host, request.port, request.secure) == ("h.test", 444, True)
