"""
What a Gemini model is told of tools, and how it may call them.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from toolcell_client.formats.gemini import FORMAT
from toolcell_client.formats.offered import Offer

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHOICES: dict[str, tuple[tuple[str, list[str], bool | None], dict[str, Any]]] = {
    "left to the model": (("auto", [], None), {"mode": "AUTO"}),
    "left to the model, of some": (
        ("auto", ["a", "b"], None),
        {"mode": "VALIDATED", "allowedFunctionNames": ["a", "b"]},
    ),
    "some tool": (("required", [], True), {"mode": "ANY"}),
    "some tool of these": (
        ("required", ["a", "b"], None),
        {"mode": "ANY", "allowedFunctionNames": ["a", "b"]},
    ),
    "one tool": (("one", ["a"], None), {"mode": "ANY", "allowedFunctionNames": ["a"]}),
    "none": (("none", [], None), {"mode": "NONE"}),
    "none, whatever is allowed": (("none", ["a"], False), {"mode": "NONE"}),
}


def test_all_definitions_are_one_tool_with_json_schemas() -> None:
    """
    The example of the reference.  A result that is no object has no schema: it goes back wrapped.
    """
    shaped = {"type": "object"}
    weather = Offer(name="get_weather", description="Tells.", parameters=CITY, returns=shaped)
    time = Offer(name="get_time", description="", parameters=shaped, returns={"type": "string"})
    made = FORMAT.definitions([weather, time])

    assert [
        {
            "functionDeclarations": [
                {
                    "name": "get_weather",
                    "description": "Tells.",
                    "parametersJsonSchema": CITY,
                    "responseJsonSchema": shaped,
                },
                {"name": "get_time", "parametersJsonSchema": shaped},
            ]
        }
    ] == made
    types.Tool.model_validate(made[0])
    types.GenerateContentConfig.model_validate({"tools": made})


def test_no_tools_are_no_entry() -> None:
    assert [] == FORMAT.definitions([])


@pytest.mark.parametrize("sentence", CHOICES)
def test_a_choice_is_as_the_sdk_has_it(sentence: str) -> None:
    """
    A list of names goes with ANY and VALIDATED only.
    """
    (mode, names, parallel), expected = CHOICES[sentence]
    made = FORMAT.choice(mode, names, parallel=parallel)

    assert {"toolConfig": {"functionCallingConfig": expected}} == made
    types.ToolConfig.model_validate(made["toolConfig"])
    types.GenerateContentConfig.model_validate(made)


def test_one_call_at_a_time_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match=r"one tool at a time.*max_concurrent_calls=1"):
        FORMAT.choice("auto", [], parallel=False)


def test_modes_that_make_no_sense_are_named() -> None:
    with pytest.raises(ValueError, match="no mode is called 'ANY'; there are auto"):
        FORMAT.choice("ANY", [], parallel=None)
    with pytest.raises(ValueError, match="one tool, not 0"):
        FORMAT.choice("one", [], parallel=None)


def test_the_check_of_the_sdk_can_fail() -> None:
    """
    Its types take no field that they do not know.
    """
    with pytest.raises(ValueError, match="strict"):
        types.Tool.model_validate({"functionDeclarations": [{"name": "a", "strict": True}]})
