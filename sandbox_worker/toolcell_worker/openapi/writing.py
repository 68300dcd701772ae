"""
A request, written as the document of its operation says.  Pure.

Arguments come from a model: no value may turn one operation into another.  What goes into a path is
encoded whole, and what a server could read as a step up, as the end of the path or as nothing at
all is refused: `.`, `..`, slashes in either direction, an empty text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from toolcell_worker import http_headers
from toolcell_worker.http_sending import Request, fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_worker.openapi.operation import Body, Operation, Parameter

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# Between the items of a list where they are not written each on its own; encoded already.
_BETWEEN = {"form": ",", "simple": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
_STEPS = re.compile(r"\.{0,2}|.*[/\\].*", re.DOTALL)


def request_of(operation: Operation, arguments: Mapping[str, Any]) -> Request:
    """
    What is sent for these arguments.

    Raises:
        ToolError: one of them cannot be sent where it belongs.
    """
    given: dict[str, list[tuple[Parameter, Any]]] = {}
    for each in operation.parameters:
        if (value := arguments.get(each.argument)) is not None:
            given.setdefault(each.place, []).append((each, value))
    pairs = [pair for each in given.get("query", ()) for pair in _pairs(*each)]
    query = "&".join(f"{name}={value}" for name, value in pairs)
    path = _path(
        operation.path, {each.name: (each, value) for each, value in given.get("path", ())}
    )
    headers = {"Accept": "application/json, */*;q=0.5", "User-Agent": "toolcell"}
    headers |= {each.name: _simple(each, value, str) for each, value in given.get("header", ())}
    cookies = [pair for each in given.get("cookie", ()) for pair in _pairs(*each)]
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies)
    body = _body(operation.body, arguments) if operation.body else None
    if operation.body and body is not None:
        headers["Content-Type"] = operation.body.content_type
    http_headers.check(headers)
    url = operation.url + path + (f"?{query}" if query else "")
    return Request.to(url, operation.method, headers, body)


def _path(template: str, given: Mapping[str, tuple[Parameter, Any]]) -> str:
    def filled(found: re.Match[str]) -> str:
        if found[1] not in given:
            raise fault(f"{found[1]} is missing", "ARGUMENT_MISSING", f"Give {found[1]}.")
        parameter, value = given[found[1]]
        if any(_STEPS.fullmatch(part) for part in _texts(value)):
            message = (
                f"{parameter.argument} would lead to another path: it is empty, . or .., or has /"
            )
            raise fault(message, "BAD_PATH", "Give the plain value, without slashes.")
        return _simple(parameter, value, _encoded)

    return PLACEHOLDER.sub(filled, template)


def _texts(value: Any) -> list[str]:
    """
    Every text that would stand in a path.
    """
    if isinstance(value, dict):
        return [text for pair in value.items() for text in map(_text, pair)]
    return [_text(each) for each in value] if isinstance(value, list) else [_text(value)]


def _simple(parameter: Parameter, value: Any, encode: Any) -> str:
    """
    The style "simple": of paths and headers.
    """
    if parameter.json:
        return str(encode(_json(value)))
    if isinstance(value, list):
        return ",".join(encode(_text(each)) for each in value)
    if isinstance(value, dict):
        between = "=" if parameter.explode else ","
        return ",".join(f"{encode(k)}{between}{encode(_text(each))}" for k, each in value.items())
    return str(encode(_text(value)))


def _pairs(parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
    """
    Names and values of a query or of cookies, encoded.
    """
    name = _encoded(parameter.name)
    if parameter.json:
        yield name, _encoded(_json(value))
    elif parameter.style == "deepObject" and isinstance(value, dict):
        for key, below in value.items():
            for each in below if isinstance(below, list) else [below]:
                yield f"{name}%5B{_encoded(key)}%5D", _encoded(_text(each))
    elif isinstance(value, list):
        items = [_encoded(_text(each)) for each in value]
        if not parameter.explode and items:
            items = [_BETWEEN.get(parameter.style, ",").join(items)]
        yield from ((name, item) for item in items)
    elif isinstance(value, dict):
        fields = [(_encoded(key), _encoded(_text(each))) for key, each in value.items()]
        if parameter.explode:
            yield from fields
        elif fields:
            yield (
                name,
                _BETWEEN.get(parameter.style, ",").join(part for each in fields for part in each),
            )
    else:
        yield name, _encoded(_text(value))


def _body(body: Body, arguments: Mapping[str, Any]) -> bytes | None:
    if body.argument:
        if body.argument not in arguments:
            return None
        value = arguments[body.argument]
    else:
        value = {name: arguments[key] for key, name in body.fields.items() if key in arguments}
        if not value and not body.required:
            return None
    if body.kind == "json":
        return msgspec.json.encode(value)
    if body.kind == "text":
        return _text(value).encode()
    pairs = [
        (name, each)
        for name, below in value.items()
        for each in (below if isinstance(below, list) else [below])
    ]
    return "&".join(f"{_encoded(name)}={_encoded(_text(each))}" for name, each in pairs).encode()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="")
