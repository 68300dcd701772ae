"""
What a value violates, told without telling the value.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_server import violations
from toolcell_server.schema_check import check

SECRET = "hunter2-hunter2"


def found(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    return violations.find(check(schema).validator, value)


OPTIONAL = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}

RULES: dict[str, tuple[dict[str, Any], Any, list[tuple[str, str]]]] = {
    "a wrong type": ({"type": "string"}, 5, [("", "must be a string")]),
    "one of two types": ({"type": ["integer", "null"]}, "x", [("", "must be an integer or null")]),
    "1.5 is no integer": ({"type": "integer"}, 1.5, [("", "must be an integer")]),
    "true is no integer": ({"type": "integer"}, True, [("", "must be an integer")]),
    "a missing property": (
        {"type": "object", "required": ["a/b", "c"]},
        {"c": 1},
        [("/a~1b", "is required")],
    ),
    "two missing properties": (
        {"required": ["a", "b"]},
        {},
        [("/a", "is required"), ("/b", "is required")],
    ),
    "a property that another one needs": (
        {"dependentRequired": {"a": ["b"]}},
        {"a": 1},
        [("/b", "is required")],
    ),
    "an unknown property": (
        {"properties": {"path": {}, "mode": {}}, "additionalProperties": False},
        {"pth": 1},
        [("/pth", 'is not a property; the properties are "path", "mode"')],
    ),
    "no property is allowed": (
        {"additionalProperties": False},
        {"a": 1},
        [("/a", "is not a property")],
    ),
    "not in an enumeration": ({"enum": ["a", 2]}, "c", [("", 'must be one of "a", 2')]),
    "not the constant": ({"const": "a"}, "b", [("", 'must be "a"')]),
    "too short": ({"minLength": 3}, "ab", [("", "must have at least 3 characters")]),
    "a pattern": ({"pattern": "^a+$"}, "b", [("", "must match the pattern ^a+$")]),
    "a format": ({"format": "ipv4"}, "300.1.1.1", [("", "must be of the format ipv4")]),
    "deep inside": (
        {"properties": {"a": {"items": {"type": "string"}}}},
        {"a": ["x", 5]},
        [("/a/1", "must be a string")],
    ),
    "an optional of the wrong type": (OPTIONAL, "x", [("", "must be an integer or null")]),
    "an optional of the right type": (OPTIONAL, -1, [("", "must be at least 0")]),
    "none of two forms": (
        {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {},
        [("", "must have one of 2 forms, and has none")],
    ),
    "both of two forms": (
        {"oneOf": [{"type": "number"}, {"type": "integer"}]},
        1,
        [("", "must have exactly one of 2 forms")],
    ),
    "never allowed": (
        {"properties": {"a": False}},
        {"a": 1},
        [("", "holds what the schema never allows")],
    ),
    "a rule without words of its own": (
        {"propertyNames": {"maxLength": 1}},
        {"ab": 1},
        [("", "has a property whose name must have at most 1 characters")],
    ),
}


@pytest.mark.parametrize(("schema", "value", "expected"), RULES.values(), ids=RULES)
def test_each_rule_is_described_in_words(
    schema: dict[str, Any], value: Any, expected: list[tuple[str, str]]
) -> None:
    """
    The model sees these sentences and nothing else.
    """
    assert found(schema, value) == expected


LEAKS: dict[str, dict[str, Any]] = {
    "type": {"type": "integer"},
    "enum": {"enum": ["a"]},
    "const": {"const": 1},
    "pattern": {"pattern": "^x$"},
    "maxLength": {"maxLength": 2},
    "format": {"format": "ipv4"},
    "not": {"not": {"type": "string"}},
    "anyOf": {"anyOf": [{"type": "integer"}, {"maxLength": 1}]},
    "if": {"if": {"type": "string"}, "then": {"maxLength": 1}},
}


@pytest.mark.parametrize("rule", LEAKS.values(), ids=LEAKS)
def test_no_description_holds_the_value(rule: dict[str, Any]) -> None:
    """
    Arguments may be secrets; descriptions end in logs and in other people's traces.
    """
    schema = {"type": "object", "properties": {"password": rule}}

    described = found(schema, {"password": SECRET})

    assert described
    assert SECRET not in str(described)


def test_number_and_size_of_violations_are_bounded() -> None:
    """
    A gRPC status whose trailers are too large arrives as another error altogether.
    """
    schema = {
        "additionalProperties": False,
        "properties": {"x" * 500: {}},
        "required": [f"{'y' * 500}{n}" for n in range(50)],
    }

    described = found(schema, {f"{'z' * 500}{n}": 1 for n in range(50)})

    assert len(described) == violations.MAXIMUM_VIOLATIONS
    assert all(len(at) <= violations.MAXIMUM_POINTER for at, _ in described)
    assert all(len(text) <= violations.MAXIMUM_DESCRIPTION for _, text in described)


def test_equal_violations_are_told_once() -> None:
    """
    The checker reports each missing property once for each; a reader wants each once.
    """
    schema = {"allOf": [{"required": ["a"]}, {"required": ["a", "b"]}]}

    assert found(schema, {}) == [("/a", "is required"), ("/b", "is required")]
