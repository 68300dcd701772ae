"""
What an Anthropic model is told of tools, and how it may call them.
"""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import ToolChoiceParam, ToolParam
from toolcell_client.formats.anthropic_messages import FORMAT
from toolcell_client.formats.offered import Offer
from typed_dicts import misfits

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHOICES: dict[str, tuple[tuple[str, list[str], bool | None], dict[str, Any]]] = {
    "left to the model": (("auto", [], None), {"type": "auto"}),
    "one call at most": (("auto", [], False), {"type": "auto", "disable_parallel_tool_use": True}),
    "some tool": (("required", [], None), {"type": "any"}),
    "some tools at once": (
        ("required", [], True),
        {"type": "any", "disable_parallel_tool_use": False},
    ),
    "one tool": (("one", ["get_time"], None), {"type": "tool", "name": "get_time"}),
    "the only one allowed": (
        ("required", ["get_time"], None),
        {"type": "tool", "name": "get_time"},
    ),
    "one tool, once": (
        ("one", ["get_time"], False),
        {"type": "tool", "name": "get_time", "disable_parallel_tool_use": True},
    ),
    "none": (("none", [], None), {"type": "none"}),
    "none, whatever is allowed": (("none", ["get_time"], False), {"type": "none"}),
}


def test_a_definition_is_flat_and_says_strict_only_where_it_is() -> None:
    """
    The example of the reference; a `strict` that is false costs a beta header on old gateways.
    """
    loose = Offer(name="get_weather", description="Tells the weather.", parameters=CITY)
    strict = Offer(name="get_time", description="", parameters={}, strict=True)
    made = FORMAT.definitions([loose, strict])

    assert [
        {"name": "get_weather", "description": "Tells the weather.", "input_schema": CITY},
        {"name": "get_time", "input_schema": {"type": "object"}, "strict": True},
    ] == made
    assert [] == [each for one in made for each in misfits(ToolParam, one)]


@pytest.mark.parametrize("sentence", CHOICES)
def test_a_choice_is_as_the_sdk_has_it(sentence: str) -> None:
    (mode, names, parallel), expected = CHOICES[sentence]
    made = FORMAT.choice(mode, names, parallel=parallel)

    assert {"tool_choice": expected} == made
    assert [] == misfits(ToolChoiceParam, made["tool_choice"])


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_a_list_of_allowed_tools_is_refused_with_the_way_to_do_it(mode: str) -> None:
    """
    A list that is silently dropped would let the model call what must not be called.
    """
    with pytest.raises(ValueError, match=r"send only their definitions.*only="):
        FORMAT.choice(mode, ["get_time", "get_weather"], parallel=None)


def test_modes_that_make_no_sense_are_named() -> None:
    with pytest.raises(ValueError, match="no mode is called 'any'; there are auto"):
        FORMAT.choice("any", [], parallel=None)
    with pytest.raises(ValueError, match="one tool, not 2"):
        FORMAT.choice("one", ["a", "b"], parallel=None)


def test_the_check_of_keys_can_fail() -> None:
    """
    Validators take keys that they do not know; this one must not.
    """
    assert ["$.colour is unknown"] == misfits(
        ToolParam, {"name": "a", "input_schema": {"type": "object"}, "colour": "red"}
    )
    assert ["$.input_schema is missing"] == misfits(ToolParam, {"name": "a"})
    assert [] != misfits(ToolChoiceParam, {"type": "tool"})
    assert [] != misfits(ToolChoiceParam, {"type": "none", "disable_parallel_tool_use": True})
