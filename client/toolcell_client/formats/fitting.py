"""
Whether a value fits a schema, as far as that decides which branch of a union was meant.  Pure.

Theory of operation.  This is no validator: the server has one.  It is asked when a value could be
of several branches, and the branches differ in which nulls are left out.  `pattern`, `format`,
`not`, `if` and the like are taken to fit: regular expressions of others are not run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from toolcell_client.formats.json_values import is_of, literals, same, types
from toolcell_client.formats.schema_parts import UnresolvedReference, target

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.formats.schema_parts import Budget, Schema


def _divides(value: Any, bound: Any) -> bool:
    try:
        return bool(value % bound == 0)
    except OverflowError:  # an int of hundreds of digits, and a bound that is a float
        return True


_NUMBERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
    "multipleOf": _divides,
}
_SIZES: Final[dict[str, tuple[Any, Callable[[int, Any], bool]]]] = {
    "minLength": (str, lambda size, bound: size >= bound),
    "maxLength": (str, lambda size, bound: size <= bound),
    "minItems": (list, lambda size, bound: size >= bound),
    "maxItems": (list, lambda size, bound: size <= bound),
    "minProperties": (dict, lambda size, bound: size >= bound),
    "maxProperties": (dict, lambda size, bound: size <= bound),
}


def fits(value: Any, schema: Schema, root: Schema, budget: Budget) -> bool:
    """
    Raises:
        SchemaTooLarge: the budget is spent.
    """
    budget.spend()
    if not isinstance(schema, Mapping):
        return schema is not False
    return (
        _of_type(value, schema)
        and _sized(value, schema)
        and _combined(value, schema, root, budget)
        and (not isinstance(value, dict) or _object(value, schema, root, budget))
        and (not isinstance(value, list) or _array(value, schema, root, budget))
    )


def _of_type(value: Any, schema: Mapping[str, Any]) -> bool:
    kinds, values = types(schema), literals(schema)
    if kinds is not None and not any(is_of(value, each) for each in kinds):
        return False
    return values is None or any(same(value, each) for each in values)


def _sized(value: Any, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return all(test(value, schema[word]) for word, test in _NUMBERS.items() if word in schema)
    return all(
        test(len(value), schema[word])
        for word, (kind, test) in _SIZES.items()
        if word in schema and isinstance(value, kind)
    )


def _combined(value: Any, schema: Mapping[str, Any], root: Schema, budget: Budget) -> bool:
    def fit(each: Schema) -> bool:
        return fits(value, each, root, budget)

    if "$ref" in schema:
        try:
            if not fit(target(root, schema["$ref"])[1]):
                return False
        except UnresolvedReference:
            return True
    if not all(map(fit, schema.get("allOf", ()))):
        return False
    if "anyOf" in schema and not any(map(fit, schema["anyOf"])):
        return False
    return "oneOf" not in schema or any(map(fit, schema["oneOf"]))


def _object(value: dict[str, Any], schema: Mapping[str, Any], root: Schema, budget: Budget) -> bool:
    declared = schema.get("properties", {})
    if any(name not in value for name in schema.get("required", ())):
        return False
    rest = schema.get("additionalProperties", True)
    if "patternProperties" in schema:
        rest = True
    return all(fits(value[key], declared.get(key, rest), root, budget) for key in value)


def _array(value: list[Any], schema: Mapping[str, Any], root: Schema, budget: Budget) -> bool:
    items = schema.get("items", True)
    first = items if isinstance(items, list) else schema.get("prefixItems", [])
    rest = schema.get("additionalItems", True) if isinstance(items, list) else items
    return all(
        fits(each, first[index] if index < len(first) else rest, root, budget)
        for index, each in enumerate(value)
    )
