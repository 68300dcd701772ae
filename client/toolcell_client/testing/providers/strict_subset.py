"""
What OpenAI accepts as a strict schema: an oracle of its own, which shares no code with the export.

Source: OpenAI's guide to structured outputs, "Supported schemas".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_PROPERTIES = 5000
MAX_DEPTH = 10
MAX_ENUM_VALUES = 1000
MAX_CHARACTERS = 120_000
_KNOWN = """
type properties required additionalProperties items enum const anyOf $ref $defs definitions
description title pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf
minItems maxItems $schema $id $comment
"""
KNOWN = frozenset(_KNOWN.split())
FORMATS = frozenset(
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]
)
BESIDE_REF = frozenset({"$ref", "description", "title", "$defs", "definitions"})


def complaint(schema: Any) -> str:
    """
    Why a schema cannot be strict, in OpenAI's words; "" if it can.
    """
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        return no_object(schema)
    return next(_of(schema, schema, (), 1), "") or _of_size(schema)


def no_object(schema: Any) -> str:
    """
    What is said of a root that is no object.
    """
    got = schema.get("type") if isinstance(schema, dict) else None
    return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{got}\"'."


def _of(
    root: Mapping[str, Any], schema: Any, context: tuple[str, ...], depth: int
) -> Iterator[str]:
    where = f"In context={context!r}, "
    if not isinstance(schema, dict):
        yield f"{where}{schema!r} is not of type 'object'."
        return
    if depth > MAX_DEPTH:
        yield f"{where}nesting is deeper than {MAX_DEPTH} levels."
        return
    for name in schema:
        if name not in KNOWN:
            yield f"{where}'{name}' is not permitted."
    yield from (f"{where}{each}" for each in _of_reference(root, schema))
    yield from (f"{where}{each}" for each in _of_values(schema))
    if schema.get("type") == "object" or "properties" in schema:
        yield from (f"{where}{each}" for each in _of_object(schema))
    for name, below, deeper in _children(schema):
        yield from _of(root, below, (*context, *name), depth + deeper)


def _children(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any, int]]:
    for keyword in ("properties", "$defs", "definitions"):
        for name, below in (schema.get(keyword) or {}).items():
            yield (keyword, name), below, 1 if keyword == "properties" else 0
    if "items" in schema:
        yield ("items",), schema["items"], 1
    for at, below in enumerate(schema.get("anyOf") or ()):
        yield ("anyOf", str(at)), below, 0


def _of_object(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield "'additionalProperties' is required to be supplied and to be false."
    properties, required = schema.get("properties") or {}, schema.get("required")
    for name in properties:
        if name not in (required or ()):
            yield (
                "'required' is required to be supplied and to be an array including every key in"
                f" properties. Missing '{name}'."
            )
    for name in required or ():
        if name not in properties:
            yield f"'required' names '{name}', which is no property."


def _of_reference(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" not in schema:
        if not {"type", "anyOf", "enum", "const"} & set(schema):
            yield "schema must have a 'type' key."
        return
    if set(schema) - BESIDE_REF:
        yield f"$ref cannot have keywords {sorted(set(schema) - BESIDE_REF)}."
    if not _resolves(root, schema["$ref"]):
        yield f"reference {schema['$ref']!r} can not be resolved."


def _of_values(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("type") == "array" and "items" not in schema:
        yield "array schema missing items."
    if "format" in schema and schema["format"] not in FORMATS:
        yield f"'{schema['format']}' is not a valid format."


def _resolves(root: Any, reference: Any) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return False
    here = root
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
    return isinstance(here, dict)


def _of_size(schema: Any) -> str:
    properties, values, characters = _measured(schema)
    if properties > MAX_PROPERTIES:
        return f"{properties} properties are more than {MAX_PROPERTIES}."
    if values > MAX_ENUM_VALUES:
        return f"{values} enum values are more than {MAX_ENUM_VALUES}."
    if characters > MAX_CHARACTERS:
        return f"{characters} characters of names and values are more than {MAX_CHARACTERS}."
    return ""


def _measured(schema: Any) -> tuple[int, int, int]:
    names = [*(schema.get("properties") or {}), *(schema.get("$defs") or {})]
    enum = schema.get("enum") or []
    words = [*names, *(each for each in [*enum, schema.get("const")] if isinstance(each, str))]
    below = [_measured(each) for _, each, _ in _children(schema)]
    own = (len(schema.get("properties") or {}), len(enum), sum(map(len, words)))
    totals = [sum(column) for column in zip(own, *below, strict=True)]
    return totals[0], totals[1], totals[2]
