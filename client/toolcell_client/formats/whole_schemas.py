"""
Schemas for providers that take nearly all of JSON Schema, as long as they need not hold the model
to it: OpenAI and Anthropic without strict mode.  Pure.

What is known to make them refuse a request is put right: a union at the root, a list whose items
are not described, an object at the root without properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.roots import FORBIDDEN, plain_root
from toolcell_client.formats.schema_parts import UnresolvedReference, changed, target

if TYPE_CHECKING:
    from toolcell_client.formats.exporting import Exporting
    from toolcell_client.formats.schema_parts import Schema

_SAID_ONCE = ("$schema", "$comment", "$id")  # nothing that a model could use


def whole(exporting: Exporting, schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    The schema of an object.
    """
    root = dict(schema)
    if any(word in schema for word in (*FORBIDDEN, "$ref")):
        root = plain_root(exporting, schema)
        root |= {word: schema[word] for word in ("$defs", "definitions") if word in schema}
    root = {"type": "object", "properties": {}, **root}
    made: dict[str, Any] = _followable(exporting, _described_lists(root), root)
    return made


def _described_lists(schema: Schema) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    made = changed(schema, _described_lists)
    kinds = made.get("type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    if "array" in listed and "items" not in made and "prefixItems" not in made:
        made["items"] = {}
    return {word: each for word, each in made.items() if word not in _SAID_ONCE}


def _followable(exporting: Exporting, schema: Schema, root: Schema) -> Any:
    """
    Without references to what is no longer there, or never was.
    """
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        try:
            target(root, schema["$ref"])
        except UnresolvedReference as exc:
            exporting.note("", "$ref", str(exc), "refer to $defs of the same schema")
            schema = {word: each for word, each in schema.items() if word != "$ref"}
    return changed(schema, lambda each: _followable(exporting, each, root))
