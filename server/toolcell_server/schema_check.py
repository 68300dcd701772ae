"""
Whether a JSON Schema may be used at all: what is checked once, when a tool is registered.  Pure.

Theory of operation.  Left alone, jsonschema fetches remote references (http and file), takes any
unknown dialect for its newest, accepts a pattern that never returns and a reference that loops.
So a schema is bounded, its dialect is named, every reference is resolved here, and the validator is
given a registry that cannot retrieve.  What could still take long on a hostile value (patterns,
`uniqueItems`, recursion, wide fan-out) is marked, and checked in a process that can be killed.

Formats are asserted, all of both dialects (`formats.py`); one that is neither asserted nor a known
annotation is refused, because nobody would notice that it does nothing.

What single keywords may not say is in `schema_keywords.py`.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import referencing
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import SchemaError

from toolcell_server import formats, schema_keywords, schema_walk

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

MAXIMUM_BYTES: Final = 64 * 2**10
MAXIMUM_DEPTH: Final = 32
MAXIMUM_NODES: Final = 2000
MAXIMUM_HEIGHT: Final = 64  # of the unrolled schema; jsonschema takes some six frames a step

_NEWEST: Final = "https://json-schema.org/draft/2020-12/schema"
_DIALECTS: Final[dict[str, Any]] = {
    _NEWEST: Draft202012Validator,
    "http://json-schema.org/draft-07/schema": Draft7Validator,
}
_SLOW: Final = ("pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties")
_FEW_ITEMS: Final = 64  # uniqueItems is quadratic; so few cost nothing
_MOST_KNOWN: Final = 20_000  # arbitrary
_known_good: set[bytes] = set()  # digests of schemas that are valid by their metaschema


class SchemaRefused(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a schema may not be used; the text is the reason, fit for `broken_reason`.
    """


@dataclass(frozen=True, slots=True)
class CheckedSchema:
    """
    A schema that may be used.  `nodes` bounds the visits for each part of a value; None: nothing
    bounds them, and only a process that can be killed may check it.
    """

    encoded: bytes
    validator: Validator
    nodes: int | None


def check_parameters(schema: Any) -> CheckedSchema:
    """
    A schema of arguments: its root must be an object.

    Raises:
        SchemaRefused: it may not be used.
    """
    checked = check(schema)
    if schema.get("type") != "object":
        raise SchemaRefused('the root of a parameters schema must have "type": "object"')
    return checked


def check(schema: Any) -> CheckedSchema:
    """
    A schema of any value.

    Raises:
        SchemaRefused: it may not be used.
    """
    if not isinstance(schema, dict):
        raise SchemaRefused("a schema must be a JSON object")
    encoded = bounded(schema)
    validator = _metaschema(schema, encoded)
    shape = _shape(schema)
    for at, subschema in shape.subschemas.items():
        if isinstance(subschema, Mapping):
            for fault in schema_keywords.faults(at, subschema):
                raise SchemaRefused(fault.text)
    unrolled = shape.unrolled()
    if unrolled and unrolled[1] > MAXIMUM_HEIGHT:
        raise SchemaRefused(f"references go deeper than {MAXIMUM_HEIGHT} steps")
    slow = unrolled is None or any(_may_be_slow(part) for part in shape.subschemas.values())
    return CheckedSchema(
        encoded=encoded,
        validator=validator,
        nodes=None if slow or unrolled is None else unrolled[0],
    )


def build(schema: Mapping[str, Any]) -> Validator:
    """
    A validator that resolves local references only and asserts formats.

    Raises:
        SchemaRefused: the dialect is not supported.
    """
    dialect = schema.get("$schema", _NEWEST)
    name = dialect.rstrip("#") if isinstance(dialect, str) else dialect
    kind = _DIALECTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise SchemaRefused(
            f"$schema {dialect!r:.80} is not supported; use {' or '.join(_DIALECTS)}"
        )
    validator: Validator = kind(schema, registry=referencing.Registry(), format_checker=_formats())
    return validator


def bounded(schema: dict[str, Any]) -> bytes:
    """
    A schema as JSON.

    Raises:
        SchemaRefused: it is too deep, too large, or no JSON.
    """
    for nodes, depth in enumerate(_depths(schema, 1), 1):
        if depth > MAXIMUM_DEPTH:
            raise SchemaRefused(f"a schema is at most {MAXIMUM_DEPTH} levels deep")
        if nodes > MAXIMUM_NODES:
            raise SchemaRefused(f"a schema has at most {MAXIMUM_NODES} nodes")
    try:
        encoded = json.dumps(schema, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as exc:
        raise SchemaRefused(f"a schema must be JSON: {exc!s:.80}") from None
    if len(encoded) > MAXIMUM_BYTES:
        raise SchemaRefused(f"a schema has at most {MAXIMUM_BYTES} bytes, not {len(encoded)}")
    return encoded


def _depths(value: Any, depth: int) -> Iterator[int]:
    """
    The depth of every node; lazy, so that whoever counts stops a hostile one early.
    """
    yield depth
    if isinstance(value, Mapping):
        children: Any = value.values()
    else:
        children = value if isinstance(value, list) else ()
    for child in children:
        yield from _depths(child, depth + 1)


def _metaschema(schema: dict[str, Any], encoded: bytes) -> Validator:
    """
    What takes most of the time, and comes again when the tool is first called, or reloaded.
    """
    validator = build(schema)
    digest = hashlib.sha256(encoded).digest()
    if digest in _known_good:
        return validator
    try:
        type(validator).check_schema(schema)
    except SchemaError as exc:
        where = "/".join(str(part) for part in exc.absolute_path) or "its root"
        raise SchemaRefused(f"not a valid schema at {where:.120}: {exc.message:.160}") from None
    if len(_known_good) >= _MOST_KNOWN:
        _known_good.clear()
    _known_good.add(digest)
    return validator


def metaschema_errors(schema: dict[str, Any]) -> Iterator[ValidationError]:
    """
    Everything for which a schema of a supported dialect is none.
    """
    kind: Any = type(build(schema))
    yield from kind(kind.META_SCHEMA).iter_errors(schema)


def _shape(schema: dict[str, Any]) -> schema_walk.Shape:
    try:
        shape = schema_walk.walk(schema)
        shape.check_loops()
    except ValueError as exc:
        raise SchemaRefused(str(exc)) from None
    return shape


def _may_be_slow(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    if any(keyword in schema for keyword in _SLOW):
        return True
    if schema.get("uniqueItems") and not schema.get("maxItems", _FEW_ITEMS + 1) <= _FEW_ITEMS:
        return True
    return "format" in schema and schema["format"] == "regex"


@functools.cache
def _formats() -> FormatChecker:
    return formats.checker()
