"""
What providers are told that hold no model to its schema, and what a request takes together.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from strict_cases import TEXT, closed, of
from toolcell_client.formats import OfferedTool, RawCall, Toolset

Schema = dict[str, Any]
EITHER: Schema = {
    "type": "object",
    "oneOf": [
        {"properties": {"a": TEXT, "both": TEXT}, "required": ["a", "both"]},
        {"properties": {"b": TEXT, "both": {"const": 1}}, "required": ["b", "both"]},
    ],
}


def told(schema: Schema, provider: str, **options: Any) -> Schema:
    made = Toolset([OfferedTool(name="t", parameters=schema)]).definitions(provider, **options)
    if provider == "gemini":
        [declared] = made[0]["functionDeclarations"]
        return dict(declared["parametersJsonSchema"])
    where = "input_schema" if provider == "anthropic" else "parameters"
    return dict(made[0].get("function", made[0])[where])


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic", "gemini"])
def test_a_union_at_the_root_becomes_one_object(provider: str) -> None:
    """
    It makes OpenAI and Anthropic refuse the whole request.
    """
    made = told(EITHER, provider)
    [note] = Toolset([OfferedTool(name="t", parameters=EITHER)]).explain(provider, strict=False)

    assert (["a", "both", "b"], ["both"]) == (list(made["properties"]), made["required"])
    assert not {"oneOf", "anyOf", "allOf", "not", "enum"} & set(made)
    assert ("oneOf", "") == (note.keyword, note.place)


def test_nulls_for_the_other_branches_of_a_root_are_dropped() -> None:
    tools = Toolset([OfferedTool(name="t", parameters=EITHER)])
    written = {"a": "x", "both": "y", "b": None}

    read = tools.call(RawCall(call_id="1", name="t", arguments=written)).arguments

    assert {"a": "x", "both": "y"} == read


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_other_schemas_stay_as_they_are(provider: str) -> None:
    """
    But for what makes a provider refuse them, and for what no model reads.
    """
    own = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    lists = of({"type": "array", "minLength": 1})
    kept = of({"type": "object", "patternProperties": {"^x": TEXT}, "not": {"required": ["y"]}})

    assert {"type": "object", "properties": {}} == told(own, provider)
    assert {} == told(lists, provider)["properties"]["a"]["items"]
    assert kept == told(kept, provider)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"const": 5}, {"type": "integer", "enum": [5]}),
        ({"oneOf": [TEXT, {"type": "null"}]}, {"anyOf": [TEXT, {"type": "null"}]}),
        ({"type": "object", "additionalProperties": TEXT}, {"additionalProperties": TEXT}),
        ({"type": "array", "prefixItems": [TEXT]}, {"prefixItems": [TEXT]}),
        ({"type": "string", "pattern": "x"}, {"description": "{pattern: x}"}),
        ({"type": "string", "format": "uri"}, {"description": "{format: uri}"}),
        ({"type": "string", "format": "date"}, {"format": "date"}),
        ({"allOf": [TEXT, {"title": "T"}]}, {"type": "string"}),
        ({}, {}),
        (True, {}),
    ],
    ids=["const", "oneOf", "a map", "a tuple", "pattern", "uri", "date", "allOf", "any", "true"],
)
def test_gemini_is_told_in_its_own_subset(own: Any, expected: Schema) -> None:
    made = told(of(own), "gemini")["properties"]["a"]

    assert expected.items() <= made.items()


def test_properties_have_names_that_the_provider_takes() -> None:
    """
    At every depth, and in the arguments they have their own again; free keys are data.
    """
    kid = {"type": "object", "properties": {"x.y": TEXT}, "required": ["x.y"]}
    own: Schema = {
        "type": "object",
        "properties": {
            "a b": {"type": "array", "items": {"$ref": "#/$defs/kid"}},
            "a_b": TEXT,
            "free": {"type": "object", "additionalProperties": TEXT},
        },
        "$defs": {"kid": kid},
    }
    gemini, anthropic = told(own, "gemini"), told(own, "anthropic")
    [alias] = set(gemini["properties"]) - {"a_b", "free"}
    tools = Toolset([OfferedTool(name="t", parameters=own)])
    written = {alias: [{"x_y": "1"}], "a_b": "2", "free": {"x_y": "3"}}

    read = tools.call(RawCall(call_id="1", name="t", arguments=written)).arguments

    assert re.fullmatch("a_b_[0-9a-f]{6}", alias)
    assert {"x_y": TEXT} == gemini["$defs"]["kid"]["properties"]
    assert ["x_y"] == gemini["$defs"]["kid"]["required"]
    assert "x.y" in anthropic["$defs"]["kid"]["properties"]  # it takes dots
    assert own["properties"].keys() == told(own, "openai")["properties"].keys()
    assert {"a b": [{"x.y": "1"}], "a_b": "2", "free": {"x_y": "3"}} == read


@pytest.mark.parametrize(
    ("own", "count", "strict", "said"),
    [
        (of(TEXT), 21, 20, "at most 20 strict tools; with it there are 21"),
        ({"properties": {"a": TEXT, "b": TEXT}}, 13, 12, "at most 24 optional parameters"),
        (of({"type": ["string", "null"]}), 17, 16, "at most 16 unions"),
    ],
    ids=["tools", "optional parameters", "unions"],
)
def test_anthropic_takes_so_many_strict_tools_in_one_request(
    own: Schema, count: int, strict: int, said: str
) -> None:
    """
    The first in the order of definitions are strict; those that `only` leaves out do not count.
    """
    tools = Toolset([OfferedTool(name=f"t{each:02}", parameters=own) for each in range(count)])

    made = tools.definitions("anthropic", strict="where_possible")

    assert [True] * strict + [None] * (count - strict) == [each.get("strict") for each in made]
    assert [f"t{count - 1}"] == [each.tool for each in tools.explain("anthropic")]
    assert tools.definitions("anthropic", strict=True, only=list(tools.tools)[1:])
    with pytest.raises(ValueError, match=re.escape(said)):
        tools.definitions("anthropic", strict=True)


def fan(word: str) -> Schema:
    """
    A small schema that is a thousand million nodes once its references are followed.
    """
    layers = {
        f"d{each}": {"type": "object", word: {"$ref": f"#/$defs/d{each + 1}", "minProperties": 1}}
        | {"properties": {"l": {"$ref": f"#/$defs/d{each + 1}", "minProperties": 1}}}
        for each in range(30)
    }
    return of({"$ref": "#/$defs/d0"}, **{"$defs": {**layers, "d30": closed([])}})


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_schema_that_unfolds_without_end_is_not_strict(provider: str) -> None:
    """
    Schemas come from others; some are made to take time.
    """
    tools = Toolset([OfferedTool(name="t", parameters=fan("additionalProperties"))])

    assert any(each.prevents_strict for each in tools.explain(provider))
    assert tools.definitions(provider, strict="where_possible")


@pytest.mark.parametrize(
    ("depth", "width", "said"),
    [(101, 1, "deeper than 100 levels"), (1, 100_001, "more than 100000 objects and lists")],
)
def test_a_schema_is_bounded_before_it_is_looked_into(depth: int, width: int, said: str) -> None:
    deep: Any = {"enum": [[] for _ in range(width)]}
    for _ in range(depth):
        deep = {"items": deep}

    with pytest.raises(ValueError, match=said):
        Toolset([OfferedTool(name="t", parameters=of(deep))])
