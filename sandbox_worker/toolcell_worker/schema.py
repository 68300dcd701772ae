"""
JSON Schema (2020-12) of annotated types, with nothing but local references.

References are inlined, because several LLM providers ignore or refuse them; only types that
contain themselves keep theirs, under `$defs`.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from toolcell_worker import coercion
from toolcell_worker.errors import DefinitionError

MAXIMUM_BYTES = 64 * 1024  # what the service accepts as a schema of a tool
PREFIX = "#/$defs/"


def of(annotation: Any) -> dict[str, Any]:
    """
    Schema of one type, `$defs` included.

    Raises:
        TypeError: the type has no JSON form; the text says why.
        DefinitionError: the schema is too large.
    """
    template = PREFIX + "{name}"
    (schema,), components = msgspec.json.schema_components(
        [annotation], schema_hook=coercion.schema_hook, ref_template=template
    )
    definitions: dict[str, Any] = dict(components)
    schema = _hoist(schema, definitions)
    for name in list(components):
        definitions[name] = _hoist(definitions[name], definitions)
    kept: dict[str, Any] = {}
    inlined: dict[str, Any] = _inline(schema, definitions, kept, ())
    if kept:
        inlined["$defs"] = kept
    _check_size(inlined)
    return inlined


def of_object(properties: dict[str, dict[str, Any]], required: list[str]) -> dict[str, Any]:
    """
    Schema of an object with exactly these properties; their `$defs` move to its root.

    Raises:
        DefinitionError: the schema is too large.
    """
    definitions: dict[str, Any] = {}
    for part in properties.values():
        for name, definition in part.get("$defs", {}).items():
            if definitions.setdefault(name, definition) != definition:
                raise DefinitionError(f"two different types are called {name}; rename one")
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {name: _hoist(part, {}) for name, part in properties.items()}
    schema |= {"required": required, "additionalProperties": False}
    if definitions:
        schema["$defs"] = definitions
    _check_size(schema)
    return schema


def _hoist(schema: Any, definitions: dict[str, Any]) -> Any:
    """
    The schema without the `$defs` that pydantic nests in it, which go into `definitions`.
    """
    if isinstance(schema, list):
        return [_hoist(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    nested = schema.get("$defs", {})
    for name in nested:
        definitions[name] = _hoist(nested[name], definitions)
    return {key: _hoist(item, definitions) for key, item in schema.items() if key != "$defs"}


def _inline(
    schema: Any, definitions: dict[str, Any], kept: dict[str, Any], within: tuple[str, ...]
) -> Any:
    """
    The schema with every reference replaced, but those that lead back into themselves.
    """
    if isinstance(schema, list):
        return [_inline(item, definitions, kept, within) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = _referred(schema)
    if name not in definitions:
        plain = {key: _inline(item, definitions, kept, within) for key, item in schema.items()}
        return _legible(plain)
    rest = {k: _inline(v, definitions, kept, within) for k, v in schema.items() if k != "$ref"}
    if name in within or _contains_itself(name, definitions):
        if name not in kept:
            kept[name] = {}  # reserved: its own body refers to it
            kept[name] = _inline(definitions[name], definitions, kept, (*within, name))
        return {"$ref": PREFIX + name, **rest}
    return {**_inline(definitions[name], definitions, kept, (*within, name)), **rest}


def _legible(schema: dict[str, Any]) -> dict[str, Any]:
    """
    The schema with its description on one line, and with the type that its `enum` implies: some
    providers demand one.
    """
    if isinstance(text := schema.get("description"), str):
        schema["description"] = " ".join(text.split())
    values = schema.get("enum")
    if isinstance(values, list) and "type" not in schema:
        for kind, name in ((str, "string"), (int, "integer")):
            if all(isinstance(value, kind) for value in values):
                return {"type": name, **schema}
    return schema


def _contains_itself(name: str, definitions: dict[str, Any]) -> bool:
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        for found in _references(definitions.get(waiting.pop(), {})):
            if found == name:
                return True
            if found not in reached:
                reached.add(found)
                waiting.append(found)
    return False


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for item in schema for name in _references(item)]
    if not isinstance(schema, dict):
        return []
    names = [name for item in schema.values() for name in _references(item)]
    return [*names, name] if (name := _referred(schema)) else names


def _referred(schema: dict[str, Any]) -> str:
    """
    Name of the definition that a schema refers to; empty if it refers to none.
    """
    reference = schema.get("$ref")
    return reference.removeprefix(PREFIX) if isinstance(reference, str) else ""


def _check_size(schema: dict[str, Any]) -> None:
    size = len(json.dumps(schema))
    if size > MAXIMUM_BYTES:
        raise DefinitionError(
            f"the schema has {size} bytes, at most {MAXIMUM_BYTES} are allowed: use simpler types"
        )
