"""
Strict export, case by case: what it becomes, or why it cannot be.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from agents.exceptions import UserError
from agents.strict_schema import ensure_strict_json_schema
from anthropic import transform_schema
from strict_cases import NOT, SAME, TEXT, Schema, of
from toolcell_client.formats import OfferedTool, RawCall, Toolset


def strict(schema: Schema, provider: str = "openai") -> Schema:
    [made] = Toolset([OfferedTool(name="t", parameters=schema)]).definitions(provider, strict=True)
    parameters: Schema = (
        made["input_schema"] if provider == "anthropic" else made["function"]["parameters"]
    )
    return parameters


@pytest.mark.parametrize("case", SAME)
def test_it_becomes(case: str) -> None:
    """
    Nothing is lost, so nothing is explained.
    """
    own, expected = SAME[case]
    untouched = copy.deepcopy(own)

    assert expected == strict(own)
    assert [] == Toolset([OfferedTool(name="t", parameters=own)]).explain("openai")
    assert untouched == own


@pytest.mark.parametrize("case", NOT)
def test_it_cannot_be_strict(case: str) -> None:
    """
    By name, place and remedy; and where strict mode is only wished for, it is offered without.
    """
    own, said = NOT[case]
    tools = Toolset([OfferedTool(name="t", parameters=own)])

    with pytest.raises(ValueError, match=re.escape(f"t: {said}")):
        tools.definitions("openai", strict=True)
    assert False is tools.definitions("openai", strict="where_possible")[0]["function"]["strict"]
    assert any(each.prevents_strict and each.remedy for each in tools.explain("openai"))


def test_all_reasons_are_listed_at_once() -> None:
    """
    One round of mending is enough.
    """
    tools = Toolset(
        [OfferedTool(name="one", parameters=of({})), OfferedTool(name="two", parameters=of(True))]
    )

    with pytest.raises(ValueError, match=r"(?s)one: type at .*\ntwo: true at ") as caught:
        tools.definitions("openai", strict=True)
    assert 'strict="where_possible"' in str(caught.value)


def test_levels_are_counted_through_references() -> None:
    deep: Any = TEXT
    for _ in range(9):
        deep = of(deep)

    assert strict(of({"$ref": "#/$defs/b"}, **{"$defs": {"b": of(TEXT)}}))
    assert strict(deep)
    with pytest.raises(ValueError, match="properties: 11 levels, and 10 are taken"):
        strict(of({"$ref": "#/$defs/b"}, **{"$defs": {"b": of(deep)}}))


@pytest.mark.parametrize(
    "own",
    [
        of({"type": "string", "minLength": 1}),
        of({"type": "string", "format": "uri"}),
        of({"type": "string", "pattern": "(?=x)"}),
        of({"type": "string", "not": {"const": "x"}}),
        of({"type": "array", "items": TEXT, "uniqueItems": True}),
        {**of(TEXT), "if": {"required": ["a"]}, "then": {"maxProperties": 1}},
        {**of(TEXT), "dependentRequired": {"a": ["b"]}},
    ],
    ids=lambda own: " ".join(own["properties"]["a"]),
)
def test_a_limit_that_the_subset_lacks_is_told_in_words(own: Schema) -> None:
    """
    The tool stays strict: the server checks the limit, and the model has read of it.
    """
    [note] = Toolset([OfferedTool(name="t", parameters=own)]).explain("openai")

    assert (False, True) == (note.prevents_strict, f"{note.keyword}: " in str(strict(own)))


@pytest.mark.parametrize("case", SAME)
def test_openai_agents_finds_nothing_left_to_do(case: str) -> None:
    """
    Their converter makes schemas strict that may be; ours are so already.
    """
    made = strict(SAME[case][0])

    assert made == ensure_strict_json_schema(copy.deepcopy(made))


@pytest.mark.parametrize("case", ["a map", "an open object", "a recursion with limits"])
def test_openai_agents_refuses_what_is_refused_here(case: str) -> None:
    with pytest.raises(UserError):
        ensure_strict_json_schema(copy.deepcopy(NOT[case][0]), _reject_open_objects=True)


@pytest.mark.parametrize("case", [each for each in SAME if each != "a recursion"])
def test_anthropic_has_nothing_left_to_transform(case: str) -> None:
    """
    Their SDK tells in words what does not survive, and here nothing is left to tell.  It drops the
    type beside literals.
    """
    made = strict(SAME[case][0], "anthropic")

    assert _without_types_of_literals(made) == _without_types_of_literals(transform_schema(made))


def _without_types_of_literals(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_types_of_literals(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    literal = "enum" in schema or "const" in schema
    return {
        word: _without_types_of_literals(each)
        for word, each in schema.items()
        if not (literal and word == "type")
    }


def test_a_null_for_what_is_left_out_is_dropped_at_every_depth() -> None:
    """
    It never reaches a tool whose schema says text; a null that is valid does.
    """
    inner = {"type": "object", "properties": {"b": TEXT, "c": {"type": ["string", "null"]}}}
    own = {
        "type": "object",
        "properties": {
            "one": inner,
            "many": {"type": "array", "items": {"$ref": "#/$defs/i"}},
            "free": {"type": "object", "additionalProperties": True},
            "must": TEXT,
        },
        "required": ["must"],
        "$defs": {"i": inner},
    }
    written = {
        "one": {"b": None, "c": None},
        "many": [{"b": None}, {"b": "x", "c": None}],
        "free": {"b": None},
        "must": None,
    }
    tools = Toolset([OfferedTool(name="t", parameters=own)])

    read = tools.call(RawCall(call_id="1", name="t", arguments=written)).arguments

    assert {
        "one": {"c": None},
        "many": [{}, {"b": "x", "c": None}],
        "free": {"b": None},
        "must": None,
    } == read


def test_a_type_that_is_not_said_is_taken_from_the_keywords() -> None:
    """
    The tool would take other types, too, which a model has no reason to send.
    """
    own = of({"properties": {"b": TEXT}, "required": ["b"]})
    [note] = Toolset([OfferedTool(name="t", parameters=own)]).explain("openai")

    assert "object" == strict(own)["properties"]["a"]["type"]
    assert ("type", "none is said; exported as object") == (note.keyword, note.reason)


def test_of_a_union_the_branch_that_fits_says_which_nulls_are_dropped() -> None:
    """
    The same property may be text in one branch, and text or null in the other.
    """
    branches = [
        {"properties": {"kind": {"const": "x"}, "b": TEXT}, "required": ["kind"]},
        {
            "properties": {"kind": {"const": "y"}, "b": {"type": ["string", "null"]}},
            "required": ["kind"],
        },
    ]
    own = of({"type": "array", "items": {"oneOf": branches}})
    written = {"a": [{"kind": "y", "b": None}, {"kind": "x", "b": None}]}
    tools = Toolset([OfferedTool(name="t", parameters=own)])

    read = tools.call(RawCall(call_id="1", name="t", arguments=written)).arguments

    assert {"a": [{"kind": "y", "b": None}, {"kind": "x"}]} == read
