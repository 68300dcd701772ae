"""
What a tool of an operation returns.  Pure.

Where every success that the document describes is JSON, the result is that value, by its schema.
Otherwise it is the whole response: status, headers and body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.registering.openapi import pointers
from toolcell_server.registering.openapi.bodies import is_json

if TYPE_CHECKING:
    from toolcell_server.registering.openapi.schemas import Schemas

_SUCCESS: Final = re.compile("2([0-9]{2}|XX)")
RESPONSE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "encoding": {
            "enum": ["json", "text", "base64"],
            "description": "What body is: a JSON value, text, or bytes in base64.",
        },
        "body": {},
    },
    "required": ["status", "headers", "encoding", "body"],
}


def returns_of(schemas: Schemas, operation: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """
    Whether the result is the "body" or the whole "response", and its schema; None: any value.

    Raises:
        NotResolved: a reference leads nowhere.
    """
    found: list[Any] = []
    responses = operation.get("responses")
    for status, declared in (responses if isinstance(responses, dict) else {}).items():
        if _SUCCESS.fullmatch(str(status)):
            found.append(_json_schema(pointers.resolved(schemas.document, declared)))
    if not found or None in found:
        return "response", RESPONSE
    try:
        copied = [schemas.copy(schema) for schema in found]
    except ValueError:  # a result without a schema is better than an operation without a tool
        return "body", None
    several = [each for at, each in enumerate(copied) if each not in copied[:at]]
    whole = several[0] if len(several) == 1 else {"anyOf": several}
    return "body", schemas.whole(whole) if isinstance(whole, dict) else None


def _json_schema(response: dict[str, Any]) -> Any:
    content = response.get("content")
    for kind, media in (content if isinstance(content, dict) else {}).items():
        if is_json(kind):
            return (media or {}).get("schema", {})
    return None
