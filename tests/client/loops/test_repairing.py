"""
What helps a model to repair a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from toolcell_client.loops.repairing import FRAGMENT_CHARACTERS, close_matches, repairable
from toolcell_client.testing import completed
from turning import Turn, chat

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "place": {"$ref": "#/$defs/place"},
        "days": {"type": "array", "items": {"type": "integer", "minimum": 3}},
        "size": {"enum": [f"size {n}" for n in range(999)], "type": "string"},
        "loop": {"$ref": "#/properties/loop"},
        "either": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": True}}]},
    },
    "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


UNKNOWN = 'is not a property; the properties are "wind speed"'


def helped(field: str, arguments: Any = None) -> dict[str, Any]:
    [made] = repairable([{"field": field, "description": "x"}], SCHEMA, arguments)
    return {name: value for name, value in made.items() if name not in ("field", "description")}


def test_a_refused_call_is_answered_with_help(server: FakeServer, turn: Turn) -> None:
    server.tool("weather", completed(1), parameters=SCHEMA)
    violations = [("arguments_json/unit", "must be one of …")]
    server.refuse(
        "weather",
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_ARGUMENTS",
        violations=violations,
    )
    [answer] = turn(chat(("a", "weather", {"unit": "Celcius"}))).answers
    assert answer.value["violations"] == [
        {
            "field": "arguments_json/unit",
            "description": "must be one of …",
            "schema": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "example": "celsius",
            "close_matches": ["celsius"],
        }
    ]


@pytest.mark.parametrize(
    ("field", "help_"),
    [
        ("arguments_json/place/city", {"schema": {"type": "string"}, "example": "text"}),
        ("arguments_json/days/0", {"schema": {"type": "integer", "minimum": 3}, "example": 3}),
        ("arguments_json/Units", {"close_matches": ["unit"]}),
        ("arguments_json/place/cty", {"close_matches": ["city"]}),
        ("arguments_json", {}),
        ("arguments_json/loop", {}),
        ("arguments_json/nothing/like/it", {}),
        ("timeout", {}),
    ],
)
def test_the_rule_an_example_and_what_is_close(field: str, help_: dict[str, Any]) -> None:
    assert helped(field) == help_


def test_help_is_bounded() -> None:
    assert helped("/size", {"size": "sise 7"})["schema"] == {"type": "string"}
    assert len(str(helped("/size"))) < FRAGMENT_CHARACTERS
    assert close_matches("x" * 10_000, ["x"]) == []


def test_a_model_is_told_the_names_that_it_knows(server: FakeServer, turn: Turn) -> None:
    """
    Anthropic takes no spaces in names of properties, and Chat Completions takes them.
    """
    schema = {"type": "object", "properties": {"wind speed": {"type": "integer", "minimum": 3}}}
    nested = {"type": "object", "properties": {"at the sea": schema}}
    server.tool("weather", completed(1), parameters=nested)
    violations = [
        ("arguments_json/at the sea/wind speed", "is too small"),
        ("arguments_json/at the sea/wind_sped", UNKNOWN),
        ("arguments_json/at the sea", "must be an object"),
    ]
    refused: Any = grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENTS"
    server.refuse("weather", *refused, violations=violations)
    call = {"type": "tool_use", "id": "t", "name": "weather", "input": {"at_the_sea": {}}}
    response = {"role": "assistant", "stop_reason": "tool_use", "content": [call]}
    [answer] = turn(response, provider="anthropic").answers
    small, unknown, sea = answer.value["violations"]
    assert small["field"] == "arguments_json/at_the_sea/wind_speed"
    assert unknown["close_matches"] == ["wind_speed"]
    assert unknown["description"] == 'is not a property; the properties are "wind_speed"'
    assert list(sea["schema"]["properties"]) == ["wind_speed"]
    server.refuse("weather", *refused, violations=violations)
    [answer] = turn(chat(("a", "weather", {}))).answers
    assert answer.value["violations"][0]["field"] == "arguments_json/at the sea/wind speed"
    assert answer.value["violations"][1]["close_matches"] == ["wind speed"]
