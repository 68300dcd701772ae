"""
The oracle of strict schemas, which the export is judged by.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_client.testing.providers.strict_subset import complaint


def of(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = of(a=schema)
    return schema


TEXT = {"type": "string"}
NODE = of(next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})

# By the schema: words of the complaint, "" if there is none.
SCHEMAS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": (of(), ""),
    "a nullable enum": (of(a={"type": ["string", "null"], "enum": ["x", None]}), ""),
    "a recursion": (of(a={"$ref": "#/$defs/node"}) | {"$defs": {"node": NODE}}, ""),
    "limits of numbers and arrays": (
        of(a={"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 1}),
        "",
    ),
    "ten levels": (nested(9), ""),
    "an array": ({"type": "array", "items": TEXT}, "got 'type: \"array\"'"),
    "a union at the root": (of() | {"anyOf": [TEXT]}, "schema must be a JSON Schema of"),
    "open": (of(a=TEXT) | {"additionalProperties": True}, "'additionalProperties' is required"),
    "open below": (of(a={"type": "object", "properties": {}}), "context=('properties', 'a')"),
    "optional": (of(a=TEXT) | {"required": []}, "Missing 'a'"),
    "a required stranger": (of() | {"required": ["a"]}, "'required' names 'a'"),
    "a default": (of(a=TEXT | {"default": "x"}), "'default' is not permitted"),
    "a length": (of(a=TEXT | {"minLength": 1}), "'minLength' is not permitted"),
    "allOf": (of(a={"allOf": [TEXT]}), "'allOf' is not permitted"),
    "oneOf": (of(a={"oneOf": [TEXT]}), "'oneOf' is not permitted"),
    "an unknown format": (of(a=TEXT | {"format": "uri"}), "'uri' is not a valid format"),
    "an array of anything": (of(a={"type": "array"}), "array schema missing items"),
    "no type": (of(a={}), "schema must have a 'type' key"),
    "a reference to nothing": (of(a={"$ref": "#/$defs/x"}), "can not be resolved"),
    "a remote reference": (of(a={"$ref": "https://example.com/a"}), "can not be resolved"),
    "a reference beside others": (
        of(a={"$ref": "#/$defs/node", "type": "object"}) | {"$defs": {"node": NODE}},
        "$ref cannot have keywords ['type']",
    ),
    "eleven levels": (nested(11), "nesting is deeper than 10 levels"),
    "too many values": (of(a=TEXT | {"enum": [str(n) for n in range(1001)]}), "1001 enum values"),
    "too many characters": (of(a=TEXT | {"enum": ["x" * 120_001]}), "120002 characters"),
    "a schema that is none": (of(a=True), "is not of type 'object'"),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_judged(name: str) -> None:
    schema, words = SCHEMAS[name]
    said = complaint(schema)

    assert words in said
    assert bool(words) == bool(said)
