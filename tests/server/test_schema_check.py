"""
Which schemas may be used, and which of them a hostile value could make slow.
"""

from __future__ import annotations

import socket
from typing import Any

import pytest
from toolcell_server.schema_check import SchemaRefused, check, check_parameters

DRAFT_07 = "http://json-schema.org/draft-07/schema#"


def parameters(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = parameters(a=schema)
    return schema


def chain(length: int) -> dict[str, Any]:
    steps = {f"s{n}": {"$ref": f"#/$defs/s{n + 1}"} for n in range(length)}
    return {
        **parameters(a={"$ref": "#/$defs/s0"}),
        "$defs": {**steps, f"s{length}": {"type": "string"}},
    }


REFUSED: dict[str, tuple[Any, str]] = {
    "not an object": ([], "must be a JSON object"),
    "true": (True, "must be a JSON object"),
    "a root that is no object": ({"type": "array"}, "the root"),
    "a root without a type": ({"properties": {}}, "the root"),
    "a root that may be something else": ({"type": ["object", "null"]}, "the root"),
    "a type that does not exist": (parameters(a={"type": "str"}), "properties/a/type"),
    "a draft-04 dialect": ({"$schema": "http://json-schema.org/draft-04/schema#"}, "draft-04"),
    "a dialect of its own": ({"$schema": "https://example.org/mine"}, "example.org/mine"),
    "a dialect that is no text": ({"$schema": 7}, "7 is not supported"),
    "a web reference": (parameters(a={"$ref": "http://example.org/s"}), "is not local"),
    "a file reference": (parameters(a={"$ref": "file:///etc/passwd"}), "is not local"),
    "a relative reference": (parameters(a={"$ref": "other.json"}), "is not local"),
    "a reference to nothing": (parameters(a={"$ref": "#/$defs/b"}), "does not name a subschema"),
    "a reference to what is no schema": (
        {**parameters(a={"$ref": "#/default"}), "default": {"pattern": "("}},
        "does not name a subschema",
    ),
    "a reference to an anchor": (parameters(a={"$ref": "#here", "$anchor": "here"}), "not local"),
    "a dynamic reference": (parameters(a={"$dynamicRef": "#a"}), "$dynamicRef"),
    "an id below the root": (parameters(a={"$id": "http://example.org/a"}), "$id"),
    "a dialect below the root": (parameters(a={"$schema": DRAFT_07}), "$schema"),
    "a root that refers to itself": ({"type": "object", "$ref": "#"}, "without end"),
    "two that refer to each other": (
        {
            **parameters(x={"$ref": "#/$defs/a"}),
            "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}},
        },
        "without end",
    ),
    "a loop through not and if": (
        {
            **parameters(x={"$ref": "#/$defs/a"}),
            "$defs": {"a": {"not": {"if": {"$ref": "#/$defs/a"}}}},
        },
        "without end",
    ),
    "33 levels": (nested(17), "at most 32 levels"),
    "eight hundred levels": (nested(400), "at most 32 levels"),
    "2001 nodes": (parameters(a={"enum": list(range(2001))}), "at most 2000 nodes"),
    "more than 64 KiB": (parameters(a={"description": "x" * 2**16}), "at most 65536 bytes"),
    "a reference chain of 100": (chain(100), "deeper than 64"),
    "a pattern of 257 characters": (parameters(a={"pattern": "a" * 257}), "at most 256"),
    "a property pattern of 257 characters": (
        {"type": "object", "patternProperties": {"a" * 257: {}}},
        "at most 256",
    ),
    "a pattern that does not compile": (parameters(a={"pattern": "("}), "properties/a/pattern"),
    "a NaN": (parameters(a={"default": float("nan")}), "must be JSON"),
}


@pytest.mark.parametrize(("schema", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_schema_that_may_not_be_used_is_refused_with_the_reason(schema: Any, reason: str) -> None:
    """
    The reason is shown to operators as `broken_reason`; it must name the place or the rule.
    """
    with pytest.raises(SchemaRefused) as refused:
        check_parameters(schema)

    assert reason in str(refused.value)


TAKEN: dict[str, dict[str, Any]] = {
    "nothing at all": {"type": "object"},
    "draft-07": {
        "$schema": DRAFT_07,
        **parameters(a={"$ref": "#/definitions/b"}),
        "definitions": {"b": {"type": "string"}},
    },
    "2020-12 by name": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
    },
    "32 levels": nested(15),
    "a chain of 50 references": chain(50),
    "an id at the root": {
        "$id": "https://example.org/x",
        **parameters(a={"$ref": "#/$defs/b"}),
        "$defs": {"b": {}},
    },
    "a reference with an escape": {
        **parameters(a={"$ref": "#/$defs/a~1b%20c"}),
        "$defs": {"a/b c": {"type": "string"}},
    },
    "properties named like keywords": parameters(
        **{"$ref": {"type": "string"}, "$id": {}, "pattern": {}, "$schema": {}, "allOf": {}}
    ),
    "a recursive tree": {
        **parameters(tree={"$ref": "#/$defs/node"}),
        "$defs": {
            "node": parameters(children={"type": "array", "items": {"$ref": "#/$defs/node"}})
        },
    },
}


@pytest.mark.parametrize("schema", TAKEN.values(), ids=TAKEN)
def test_ordinary_schemas_are_taken(schema: dict[str, Any]) -> None:
    """
    What type hints and people write must not be refused, and its references must resolve.
    """
    checked = check_parameters(schema)

    assert list(checked.validator.iter_errors({})) == []


SLOW: dict[str, dict[str, Any]] = {
    "a pattern": {"pattern": "^a"},
    "a pattern of properties": {"patternProperties": {"^a": {}}},
    "a format that compiles what it is given": {"format": "regex"},
    "unique items without a bound": {"uniqueItems": True},
    "unique items with a large bound": {"uniqueItems": True, "maxItems": 10_000},
    "unevaluated properties": {"unevaluatedProperties": False},
    "recursion": {"items": {"$ref": "#/properties/a"}},
    "a pattern behind a reference": {"$ref": "#/$defs/p"},
}


@pytest.mark.parametrize("subschema", SLOW.values(), ids=SLOW)
def test_a_schema_that_a_value_could_make_slow_is_marked(subschema: dict[str, Any]) -> None:
    """
    Only what is marked is checked where it can be killed; a missed one freezes the server.
    """
    schema = {**parameters(a=subschema), "$defs": {"p": {"pattern": "x"}}}
    plain = {**parameters(a={"type": "string"}), "$defs": {"p": {}}}

    assert check(schema).nodes is None
    assert check(plain).nodes is not None


def test_fan_out_is_counted_unrolled() -> None:
    """
    Twenty definitions that each name the next twice are visited a million times a value.
    """
    definitions: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(20)
    }
    schema = {**parameters(a={"$ref": "#/$defs/d0"}), "$defs": {**definitions, "d20": {}}}

    nodes = check(schema).nodes

    assert nodes is not None
    assert nodes > 2**20


def test_an_enumeration_costs_what_it_lists() -> None:
    """
    Each item of a value is compared with each of a thousand words.
    """
    few, many = (
        check(parameters(a={"items": {"enum": [f"w{n}" for n in range(count)]}})).nodes
        for count in (10, 1000)
    )

    assert few is not None
    assert many is not None
    assert many - few == 990


def test_few_unique_items_are_cheap() -> None:
    """
    An enum set of type hints must not cost a round trip to another process.
    """
    checked = check(parameters(a={"type": "array", "uniqueItems": True, "maxItems": 10}))

    assert checked.nodes is not None


def test_nothing_is_ever_fetched() -> None:
    """
    Left alone, jsonschema reads http and file references; a schema must not make the server do so.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        schema = parameters(a={"$ref": f"http://127.0.0.1:{port}/schema"})
        with pytest.raises(SchemaRefused):
            check(schema)
        listener.setblocking(False)

        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("name", ["datetime", "no-such", "URI"])
def test_a_format_that_would_assert_nothing_is_refused(name: str) -> None:
    """
    Nobody would ever notice; a schema would mean less than it says.
    """
    with pytest.raises(SchemaRefused, match="would assert nothing"):
        check(parameters(a={"format": name}))


def test_annotations_of_others_are_taken() -> None:
    """
    OpenAPI and pydantic write them, and they say how a value is shown.
    """
    check(parameters(a={"format": "int64"}, b={"format": "password"}))
