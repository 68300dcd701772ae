"""
Field names of Gemini as they are on the wire.  Pure.

Theory of operation.  The wire has `functionCall`; the attributes of `google-genai`, and the
dictionaries that its objects dump themselves to, have `function_call`, with signatures as bytes.
JSON of protocol buffers may be written both ways (ProtoJSON), so both are read, and one way is
written; null is absence, except where it is the value.  What a model or a tool wrote, arguments and
responses, is data, and stays as it is.
"""

from __future__ import annotations

import base64
from typing import Any

DATA = frozenset({"args", "response", "partMetadata", "part_metadata", "parsed"})
NULLS = frozenset({"nullValue", "null_value"})
DEPTH = 32  # arbitrary; messages of Gemini nest less, and what is deeper is not ours to read


def on_the_wire(value: Any, depth: int = DEPTH) -> Any:
    """
    A copy with the names of the wire.
    """
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {
            camel(name): held if name in DATA else on_the_wire(held, depth - 1)
            for name, held in value.items()
            if held is not None or name in NULLS
        }
    if isinstance(value, list):
        return [on_the_wire(each, depth - 1) for each in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def camel(name: Any) -> Any:
    """
    `function_call` as `functionCall`; what is no such name is left.
    """
    if not isinstance(name, str) or "_" not in name:
        return name
    first, *others = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in others)
