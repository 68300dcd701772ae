"""
Both dialects of JSON Schema, each by its own rules.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_server import violations
from toolcell_server.arguments.preparation import Preparation
from toolcell_server.schema_check import check

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
NEWEST = "https://json-schema.org/draft/2020-12/schema"
PAIR = [{"type": "integer"}, {"type": "string"}]
CASES: dict[str, tuple[dict[str, Any], Any, bool, bool]] = {
    # schema, value, valid in draft-07, valid in 2020-12
    "a list of items": ({"items": {"type": "integer"}}, ["a"], False, False),
    "prefixItems is not known to draft-07": ({"prefixItems": PAIR}, ["a"], True, False),
    "dependencies are not known to 2020-12": (
        {"dependencies": {"a": ["b"]}},
        {"a": 1},
        False,
        True,
    ),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, True, False),
    "what stands beside $ref": (
        {"$ref": "#/definitions/n", "maximum": 3, "definitions": {"n": {"type": "integer"}}},
        5,
        True,
        False,
    ),
    "unevaluatedProperties": ({"unevaluatedProperties": False}, {"a": 1}, True, False),
    "a format": ({"format": "date-time"}, "now", False, False),
    "uuid, which came later": ({"format": "uuid"}, "x", False, False),
}


@pytest.mark.parametrize(("schema", "value", "old", "new"), CASES.values(), ids=CASES)
def test_each_dialect_has_its_own_rules(
    schema: dict[str, Any], value: Any, old: bool, new: bool
) -> None:
    """
    Named by `$schema`; without one it is the newest.
    """
    for dialect, valid in ((DRAFT_07, old), (NEWEST, new), (None, new)):
        named = {"$schema": dialect, **schema} if dialect else schema
        assert check(named).validator.is_valid(value) is valid, dialect


def test_lists_of_items_in_draft_07() -> None:
    schema = {"$schema": DRAFT_07, "items": PAIR, "additionalItems": False}
    validator = check(schema).validator

    assert validator.is_valid([1, "a"])
    assert [("", "has more items than the schema names")] == violations.find(validator, [1, "a", 2])


def test_a_name_that_is_not_allowed_is_told_of_its_object() -> None:
    validator = check({"propertyNames": {"pattern": "^a"}}).validator

    assert [("", "has a property whose name must match the pattern ^a")] == violations.find(
        validator, {"b": 1}
    )


def test_defaults_and_nulls_of_draft_07() -> None:
    """
    By its own word for definitions.
    """
    schema = {
        "$schema": DRAFT_07,
        "type": "object",
        "properties": {"a": {"$ref": "#/definitions/a"}, "n": {"type": "integer"}},
        "definitions": {"a": {"type": "object", "properties": {"b": {"default": 1}}}},
    }
    preparation = Preparation.of(schema, {}, drop_nulls=True, fill_defaults=True)
    arguments: dict[str, Any] = {"a": {}, "n": None}

    assert preparation is not None
    assert preparation.apply(arguments, 1000)
    assert {"a": {"b": 1}} == arguments
