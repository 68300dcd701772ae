"""
Whether a value is a JSON Schema at all, as far as exporting relies on it.  Pure.

Tools that a server lists have been checked by it; those that a program brings have not, and a call
must never fail on the schema of its tool.  So a set of tools looks once, when it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from toolcell_client.formats.json_values import TYPES
from toolcell_client.formats.schema_parts import SchemaTooLarge, check_size, subschemas

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.formats.schema_parts import Schema


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _number(value) and value >= 0


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _type(value: Any) -> bool:
    kinds = value if isinstance(value, list) else [value]
    return bool(kinds) and all(isinstance(each, str) and each in TYPES for each in kinds)


def _mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


_TEXT: Final = (lambda value: isinstance(value, str), "text")
_RULES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "type": (_type, f"one of {', '.join(TYPES)}, or a list of them"),
    "enum": (lambda value: isinstance(value, list), "a list"),
    "required": (_names, "a list of names"),
    "multipleOf": (lambda value: _number(value) and value > 0, "a number above zero"),
    **dict.fromkeys(("$ref", "pattern", "format", "description", "title"), _TEXT),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_number, "a number")
    ),
    **dict.fromkeys(
        (
            *("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"),
            *("minProperties", "maxProperties"),
        ),
        (_count, "a count"),
    ),
    **dict.fromkeys(
        (
            *("properties", "patternProperties", "dependentSchemas", "dependentRequired"),
            *("$defs", "definitions", "dependencies"),
        ),
        (_mapping, "an object"),
    ),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), (_schemas, "a list of schemas")),
}


def check_schema(schema: Schema, what: str) -> None:
    """
    Raises:
        ValueError: it is none, or too large to be looked into; says where.
    """
    try:
        check_size(schema)
    except SchemaTooLarge as exc:
        raise ValueError(f"{what}: {exc}") from exc
    rest = [("", schema)]
    while rest:
        at, each = rest.pop()
        if isinstance(each, Mapping):
            _check_keywords(at, each, what)
            rest += [(f"{at}{below}", part) for below, part in subschemas(each)]
        elif not isinstance(each, bool) and "/dependencies/" not in at:
            raise ValueError(f"{what}: {at or 'the root'} must be a schema, not {each!r:.80}")


def check_parameters(schema: Schema, tool: str) -> None:
    """
    Raises:
        ValueError: it is no schema of an object.
    """
    what = f"the parameters of {tool}"
    if not isinstance(schema, Mapping) or schema.get("type", "object") not in (
        "object",
        ["object"],
    ):
        raise ValueError(f'{what} must be a JSON Schema of an object; say "type": "object"')
    check_schema(schema, what)


def _check_keywords(at: str, schema: Mapping[str, Any], what: str) -> None:
    for keyword in _RULES.keys() & schema.keys():
        fits, wanted = _RULES[keyword]
        if not fits(schema[keyword]):
            raise ValueError(
                f"{what}: {at}/{keyword} must be {wanted}, not {schema[keyword]!r:.80}"
            )
