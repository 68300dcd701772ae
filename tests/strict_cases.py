"""
Schemas of tools and their strict form for OpenAI, or why there is none.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def of(value: Any, **rest: Any) -> Schema:
    """
    A tool whose one required argument has that schema.
    """
    return {"type": "object", "properties": {"a": value}, "required": ["a"], **rest}


def closed(required: list[str], **properties: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
LOOP = {"$ref": "#/$defs/b"}
SAME: dict[str, tuple[Schema, Schema]] = {
    "no arguments": ({"type": "object"}, closed([])),
    "an optional one": (
        {"type": "object", "properties": {"a": TEXT}},
        closed(["a"], a={"type": ["string", "null"]}),
    ),
    "an optional choice": (
        {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}},
        closed(["a"], a={"type": ["string", "null"], "enum": ["x", "y", None]}),
    ),
    "an optional constant": (
        {"type": "object", "properties": {"a": {"const": 5}}},
        closed(["a"], a={"type": ["integer", "null"], "enum": [5, None]}),
    ),
    "one that may be null already": (
        {"type": "object", "properties": {"a": {"enum": ["x", None]}}},
        closed(["a"], a={"type": ["string", "null"], "enum": ["x", None]}),
    ),
    "a default": (
        of({"type": "integer", "default": 5, "description": "Count."}),
        closed(["a"], a={"type": "integer", "description": "Count. Default: 5."}),
    ),
    "nullable, which says nothing": (
        of({"type": "string", "nullable": True}),
        closed(["a"], a=TEXT),
    ),
    "allOf": (
        of({"allOf": [{"type": "integer", "minimum": 1}, {"minimum": 3, "maximum": 9}]}),
        closed(["a"], a={"type": "integer", "minimum": 3, "maximum": 9}),
    ),
    "allOf of choices": (
        of({"allOf": [{"enum": ["x", "y", 1]}, {"enum": ["y", True]}]}),
        closed(["a"], a={"type": "string", "const": "y"}),
    ),
    "allOf of objects": (
        {"type": "object", "allOf": [{"properties": {"a": TEXT}}, of(TEXT)]},
        closed(["a"], a=TEXT),
    ),
    "several types": (
        of({"type": ["integer", "string"], "minimum": 1}),
        closed(["a"], a={"anyOf": [{"type": "integer", "minimum": 1}, TEXT]}),
    ),
    "oneOf that cannot meet": (
        of({"oneOf": [TEXT, {"type": "boolean"}]}),
        closed(["a"], a={"anyOf": [TEXT, {"type": "boolean"}]}),
    ),
    "what is beside a union": (
        of({"type": "object", "properties": {"b": TEXT}, "anyOf": [{"required": ["b"]}]}),
        closed(["a"], a=closed(["b"], b=TEXT)),
    ),
    "a recursion": (
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        closed(["a"], a={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
    ),
    "a reference": (
        of({"$ref": "#/definitions/b"}, definitions={"b": TEXT, "unused": True}),
        {**closed(["a"], a={"$ref": "#/$defs/b"}), "$defs": {"b": TEXT}},
    ),
    "words beside a reference": (
        of({"$ref": "#/$defs/b", "description": "B."}, **{"$defs": {"b": TEXT}}),
        closed(["a"], a={"type": "string", "description": "B."}),
    ),
    "unevaluatedProperties": (
        of({"type": "object", "properties": {"b": TEXT}, "unevaluatedProperties": False}),
        closed(["a"], a=closed(["b"], b={"type": ["string", "null"]})),
    ),
}

NOT: dict[str, tuple[Schema, str]] = {
    "a map": (
        of({"type": "object", "additionalProperties": TEXT}),
        "additionalProperties at /properties/a: keys are free",
    ),
    "an open object": (of({"type": "object"}), "properties at /properties/a: keys are free"),
    "patterns of keys": (
        of({"type": "object", "patternProperties": {"^x": TEXT}}),
        "patternProperties at /properties/a",
    ),
    "a tuple": (of({"type": "array", "prefixItems": [TEXT]}), "prefixItems at /properties/a"),
    "any value": (of(True), "true at /properties/a: any value is valid"),
    "no type": (of({}), "type at /properties/a: any value is valid"),
    "no value": (
        of({"allOf": [TEXT, {"type": "null"}]}),
        "type at /properties/a: no value is valid",
    ),
    "items of any kind": (of({"type": "array"}), "true at /properties/a/items"),
    "an enum of objects": (of({"enum": [{}]}), "enum at /properties/a: a value is an object"),
    "patterns that meet": (
        of({"allOf": [{"type": "string", "pattern": "a"}, {"pattern": "b"}]}),
        "allOf at /properties/a: pattern is said twice",
    ),
    "an anchor": (of({"$ref": "#b"}), "$ref at /properties/a: $ref '#b' is not local"),
    "a dynamic reference": (of({"$dynamicRef": "#b"}), "$dynamicRef at /properties/a: it is not"),
    "a recursion with limits": (
        of(
            {"$ref": "#/$defs/b"}, **{"$defs": {"b": of({"$ref": "#/$defs/b", "minProperties": 1})}}
        ),
        "allOf at /$defs/b/properties/a: $ref is said twice",
    ),
    "too many values": (of({"enum": list(range(1001))}), "enum: 1001 values, and 1000 are taken"),
    "too many characters": (
        of({"enum": [f"{each:060}" for each in range(251)]}),
        "enum: 15060 characters; 15000 are taken",
    ),
    "too many properties": (
        {"type": "object", "properties": {f"p{each}": TEXT for each in range(5001)}},
        "properties: 5001 properties, and 5000 are taken",
    ),
}
