from __future__ import annotations

from typing import Any

import pytest
from toolcell_server import schema_check
from toolcell_server.registering.openapi import pointers
from toolcell_server.registering.openapi.schemas import Schemas, TooLarge


def copied(schema: Any, schemas: dict[str, Any] | None = None, **options: bool) -> dict[str, Any]:
    document = {"components": {"schemas": schemas or {}}}
    given = Schemas(document, options.get("older", True), options.get("request", True))
    whole = given.whole(given.copy(schema))
    schema_check.check(whole)
    return whole


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


SAME_WORDS = {
    "null is written as JSON Schema does": (
        {"type": "string", "nullable": True},
        {"type": ["string", "null"]},
    ),
    "null is one of an enumeration, too": (
        {"type": "string", "enum": ["a"], "nullable": True},
        {"type": ["string", "null"], "enum": ["a", None]},
    ),
    "null stands beside a schema without a type": (
        {"allOf": [{"type": "object"}], "nullable": True},
        {"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}]},
    ),
    "an exclusive bound is a number": (
        {"type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 9},
        {"type": "integer", "exclusiveMinimum": 1, "maximum": 9},
    ),
    "a bound that is not exclusive stays": (
        {"minimum": 1, "exclusiveMinimum": False},
        {"minimum": 1},
    ),
    "what is for documentation is left out": (
        {
            "type": "object",
            "xml": {},
            "example": 1,
            "externalDocs": {},
            "x-a": 1,
            "discriminator": {},
        },
        {"type": "object"},
    ),
    "a format that nobody knows is left out": (
        {"type": "string", "format": "made-up"},
        {"type": "string"},
    ),
    "a pattern of JavaScript that is none here is left out": (
        {"type": "string", "pattern": "^(?<name>a)$"},
        {"type": "string"},
    ),
}


@pytest.mark.parametrize("sentence", SAME_WORDS)
def test_in_a_schema(sentence: str) -> None:
    schema, expected = SAME_WORDS[sentence]

    assert copied(schema) == expected


def test_a_schema_that_contains_itself_ends() -> None:
    tree = {"type": "object", "properties": {"below": {"type": "array", "items": ref("Tree")}}}

    found = copied(ref("Tree"), {"Tree": tree})

    assert found["$ref"] == "#/$defs/Tree"
    items = found["$defs"]["Tree"]["properties"]["below"]["items"]
    assert items == {"$ref": "#/$defs/Tree"}


def test_what_is_read_only_is_not_sent_and_what_is_write_only_is_not_missed() -> None:
    schema = {
        "type": "object",
        "required": ["id", "name", "password"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "name": {"type": "string"},
            "password": {"type": "string", "writeOnly": True},
        },
    }

    sent, returned = copied(schema), copied(schema, request=False)

    assert (["name", "password"], ["name", "password"]) == (
        list(sent["properties"]),
        sent["required"],
    )
    assert returned["required"] == ["id", "name"]


def test_a_response_is_not_held_to_patterns_and_formats() -> None:
    schema = {"type": "string", "format": "date-time", "pattern": "a"}

    assert copied(schema, request=False) == {"type": "string"}
    assert copied(schema)["format"] == "date-time"


def test_beside_a_reference_words_count_since_3_1_only() -> None:
    schema = {**ref("A"), "description": "a"}
    schemas = {"A": {"type": "string"}}

    assert "description" not in copied(schema, schemas)
    assert copied(schema, schemas, older=False)["description"] == "a"


def test_two_definitions_of_one_name_stay_two() -> None:
    document = {"a": {"X": {"type": "string"}}, "b": {"X": {"type": "integer"}}}
    made = Schemas(document, older=False, request=True)
    found = made.whole(made.copy({"anyOf": [{"$ref": "#/a/X"}, {"$ref": "#/b/X"}]}))

    assert found["$defs"] == {"X": {"type": "string"}, "X_2": {"type": "integer"}}


@pytest.mark.parametrize("reference", ["other.yaml#/a", "http://a.test/b", "#/nothing", 5])
def test_a_reference_out_of_the_document_is_refused(reference: Any) -> None:
    """
    Nothing is fetched, from the network or from the disk.
    """
    with pytest.raises(pointers.NotResolved):
        copied({"$ref": reference})


def test_more_than_a_tool_may_have_is_refused_early() -> None:
    """
    Each of 40 schemas refers to the next one twice: unrolled it has no end.
    """
    wide = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(3000)}}

    with pytest.raises(TooLarge):
        copied(wide)
