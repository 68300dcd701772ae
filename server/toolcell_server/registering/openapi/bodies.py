"""
What an operation sends: in which form, and whether its fields can be arguments of their own.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from toolcell_server.registering.openapi import pointers

FORM: Final = "application/x-www-form-urlencoded"
_DEEPEST: Final = 16
# What an object schema may say and still be no more than its fields.
_PLAIN_WORDS: Final = """
    type properties required title description allOf additionalProperties example examples xml
    externalDocs deprecated discriminator
"""
_PLAIN: Final = frozenset(_PLAIN_WORDS.split())


class NotSupported(ValueError):  # noqa: N818  # names what happened
    """
    Raised when an operation needs what no tool can do; says what.
    """


@dataclass(frozen=True, slots=True)
class Body:
    """
    What is sent.  `fields` are the schemas of its fields where it is a plain object, and `missed`
    those that must be there; None: it is a value of another kind, by `schema`.
    """

    kind: Literal["json", "form", "text"]
    content_type: str
    schema: Any
    required: bool
    description: str = ""
    fields: dict[str, Any] | None = None
    missed: tuple[str, ...] = ()


def body_of(document: dict[str, Any], operation: dict[str, Any]) -> Body | None:
    """
    The body of an operation, if it has one.

    Raises:
        NotResolved: a reference leads nowhere.
        NotSupported: it is sent in a form that no argument has.
    """
    if "requestBody" not in operation:
        return None
    declared = pointers.resolved(document, operation["requestBody"])
    content = declared.get("content")
    kind, content_type = _chosen(content if isinstance(content, dict) else {})
    assert isinstance(content, dict)
    media = content[content_type]
    schema = media.get("schema", {}) if isinstance(media, dict) else {}
    required = declared.get("required") is True
    plain = None if kind == "text" else _plain(document, schema, _DEEPEST)
    if kind == "form":
        if plain is None:
            raise NotSupported("its form is no plain object of fields")
    # A body that may be left out, but not in part, is one argument: its fields cannot say that.
    elif plain and plain[1] and not required:
        plain = None
    sent = "application/json" if "*" in content_type else content_type
    fields, missed = plain or (None, ())
    description = str(declared.get("description") or "")
    return Body(kind, sent, schema, required, description, fields, tuple(missed))


def _chosen(content: dict[str, Any]) -> tuple[Literal["json", "form", "text"], str]:
    for content_type in content:
        if is_json(content_type) or content_type == "*/*":
            return "json", content_type
    for content_type in content:
        bare = content_type.partition(";")[0].strip().lower()
        if bare == FORM:
            return "form", content_type
        if bare == "text/plain":
            return "text", content_type
    listed = ", ".join(content) or "nothing"
    why = (
        "files cannot be uploaded"
        if "multipart" in listed
        else "only JSON, forms and text can be sent"
    )
    raise NotSupported(f"it sends {listed:.120}; {why}")


def is_json(content_type: str) -> bool:
    """
    Whether a media type is JSON's.
    """
    bare = content_type.partition(";")[0].strip().lower()
    return bare == "application/json" or (bare.endswith("+json") and "*" not in bare)


def _plain(
    document: dict[str, Any], schema: Any, depth: int
) -> tuple[dict[str, Any], list[str]] | None:
    """
    Fields of a plain object, and which must be there; None if the schema says more than that.
    """
    if depth == 0:
        return None
    schema = pointers.resolved(document, schema)
    said = {key for key in schema if not key.startswith("x-")}
    if (
        said - _PLAIN
        or schema.get("type", "object") != "object"
        or schema.get("additionalProperties")
    ):
        return None
    fields, missed = dict(schema.get("properties") or {}), list(schema.get("required") or [])
    for part in schema.get("allOf") or ():
        found = _plain(document, part, depth - 1)
        if found is None or not fields.keys().isdisjoint(found[0]):
            return None
        fields |= found[0]
        missed += found[1]
    return (fields, missed) if fields else None
