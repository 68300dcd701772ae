"""
One operation, as the server told it: data, nothing of which is executed.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Place = Literal["path", "query", "header", "cookie"]
Style = Literal["simple", "form", "spaceDelimited", "pipeDelimited", "deepObject"]


class Parameter(msgspec.Struct, kw_only=True):
    """
    One argument that goes into the URL or the headers, under its own `name`.  `json`: as JSON.
    """

    argument: str
    name: str
    place: Place
    style: Style
    explode: bool
    json: bool = False


class Body(msgspec.Struct, kw_only=True):
    """
    What is sent: the value of one `argument`, or of several, `fields`: their names in the body.
    """

    kind: Literal["json", "form", "text"]
    content_type: str
    required: bool
    argument: str = ""
    fields: dict[str, str] = {}


class Operation(msgspec.Struct, kw_only=True):
    """
    `url` is that of the server, `path` a template of what comes after it.  `answer`: the result is
    the body of the response, which is JSON, or the whole of it.
    """

    method: str
    url: str
    path: str
    parameters: list[Parameter] = []
    body: Body | None = None
    answer: Literal["body", "response"] = "response"
