"""
One schema that says what two say together.  Pure.

Theory of operation.  Strict subsets have no `allOf`, and a `$ref` there has no siblings.  What both
schemas say is put into one where that is exactly the same: types and literals meet, bounds tighten,
requirements join.  A property of one is held to what the other says of such a key, whether by name,
by `additionalProperties`, or not at all.  What cannot be said by one schema is not merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from toolcell_client.formats.json_values import literals, same, types

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.formats.schema_parts import Schema

ANNOTATIONS: Final = frozenset(
    {
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$comment", "$schema", "$id", "$defs", "definitions", "nullable", "example"),
        *("contentMediaType", "contentEncoding", "contentSchema", "$anchor", "$vocabulary"),
    }
)
_BOUNDS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "required": lambda one, other: [*one, *(each for each in other if each not in one)],
    "uniqueItems": lambda one, other: one or other,
}
# Keywords that mean something only beside each other.
_TOGETHER: Final = (
    ("if", "then", "else"),
    ("contains", "minContains", "maxContains"),
    ("prefixItems", "items", "additionalItems", "unevaluatedItems"),
)
_NAMED: Final = ("properties", "additionalProperties")


class NotMergeable(ValueError):  # noqa: N818  # names what it is
    """
    Raised when no one schema says what two say; `keyword` is where they meet.
    """

    def __init__(self, keyword: str) -> None:
        super().__init__(f"{keyword} is said twice, and both cannot be said by one schema")
        self.keyword = keyword


class NothingFits(NotMergeable):
    """
    Raised when no value at all is valid by both.
    """


def constrains(schema: Schema) -> bool:
    """
    Whether a schema says anything about values.
    """
    if not isinstance(schema, Mapping):
        return schema is False
    return any(each not in ANNOTATIONS and not each.startswith("x-") for each in schema)


def merged(first: Schema, second: Schema) -> Schema:
    """
    What both say.  Annotations of the first stand before those of the second.

    Raises:
        NotMergeable: no one schema says it; `NothingFits` if no value is valid by both.
    """
    if first is False or second is False:
        raise NothingFits("false")
    if first is True or second is True:
        return second if first is True else first
    _check_together(first, second)
    made: dict[str, Any] = dict(second) | dict(first)
    for keyword in first.keys() & second.keys():
        if keyword not in ANNOTATIONS and keyword not in _NAMED:
            made[keyword] = _both(keyword, first[keyword], second[keyword])
    _meet_types(made, first, second)
    _meet_literals(made, first, second)
    if any(keyword in each for each in (first, second) for keyword in _NAMED):
        _meet_properties(made, first, second)
    return made


def _check_together(first: Any, second: Any) -> None:
    for words in _TOGETHER:
        one, other = (
            {word: each[word] for word in words if word in each} for each in (first, second)
        )
        plain = {*one, *other} == {"items"} and not isinstance(one.get("items"), list)
        if one and other and not plain and not same(one, other):
            raise NotMergeable(next(iter(one)))
    for word in ("unevaluatedProperties", "unevaluatedItems"):
        # That of a part sees only the part, and would see all of the merged schema.
        if second.get(word, True) is not True:
            raise NotMergeable(word)


def _both(keyword: str, one: Any, other: Any) -> Any:
    if keyword in ("type", "enum", "const"):
        return one
    if keyword in ("items", "propertyNames") and isinstance(one, Mapping | bool):
        return {"allOf": [one, other]}
    if keyword == "allOf":
        return [*one, *other]
    if keyword in _BOUNDS:
        return _BOUNDS[keyword](one, other)
    if not same(one, other):
        raise NotMergeable(keyword)
    return one


def _meet_types(made: dict[str, Any], first: Any, second: Any) -> None:
    one, other = types(first), types(second)
    if one is None or other is None:
        return
    both = [each for each in one if each in other or (each == "integer" and "number" in other)]
    both += [each for each in other if each == "integer" and "number" in one and each not in both]
    if not both:
        raise NothingFits("type")
    made["type"] = both if len(both) > 1 else both[0]


def _meet_literals(made: dict[str, Any], first: Any, second: Any) -> None:
    one, other = literals(first), literals(second)
    if one is None and other is None:
        return
    made.pop("const", None)
    if one is None or other is None:
        made["enum"] = other if one is None else one
        return
    made["enum"] = [each for each in one if any(same(each, value) for value in other)]
    if not made["enum"]:
        raise NothingFits("enum")


def _meet_properties(made: dict[str, Any], first: Any, second: Any) -> None:
    if "patternProperties" in first or "patternProperties" in second:
        raise NotMergeable("patternProperties")
    names = [*first.get("properties", {})]
    names += [each for each in second.get("properties", {}) if each not in names]
    kept = {name: _joined(_of_key(first, name), _of_key(second, name)) for name in names}
    rest = _joined(
        first.get("additionalProperties", True), second.get("additionalProperties", True)
    )
    made["properties"] = {
        name: each for name, each in kept.items() if each is not False or rest is not False
    }
    if rest is not True:
        made["additionalProperties"] = rest


def _of_key(schema: Mapping[str, Any], name: str) -> Schema:
    declared = schema.get("properties", {})
    return declared[name] if name in declared else schema.get("additionalProperties", True)


def _joined(one: Schema, other: Schema) -> Schema:
    if one is False or other is False:
        return False
    if one is True or other is True:
        return other if one is True else one
    return one if same(one, other) else {"allOf": [one, other]}
