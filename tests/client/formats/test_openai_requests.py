"""
What requests to OpenAI say of tools: definitions and choices, by the types of the SDK.
"""

from __future__ import annotations

from typing import Any

import pytest
from openai_requests import (
    CHAT_CHOICES,
    CHAT_TOOLS,
    RESPONSE_CHOICES,
    RESPONSE_TOOLS,
    complaints,
)
from toolcell_client.formats import format_of
from toolcell_client.formats.offered import Offer

CHAT, RESPONSES = format_of("openai"), format_of("openai-responses")
UNIT = {"type": ["string", "null"], "enum": ["C", "F", None]}
STRICT = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": UNIT},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
OFFER = Offer(name="get_weather", description="...", parameters=STRICT, strict=True)
LOOSE = Offer(name="get_time", description="", parameters={"type": "object"})


def test_definitions_are_as_in_the_reference() -> None:
    """
    Nested in one API, flat in the other.
    """
    told = {"name": "get_weather", "description": "...", "strict": True, "parameters": STRICT}

    assert [{"type": "function", "function": told}] == CHAT.definitions([OFFER])
    assert [{"type": "function", **told}] == RESPONSES.definitions([OFFER])


def test_strictness_is_always_said() -> None:
    """
    One API takes its absence for no, the other for yes.
    """
    chat, responses = CHAT.definitions([LOOSE, OFFER]), RESPONSES.definitions([LOOSE, OFFER])

    assert [False, True] == [each["function"]["strict"] for each in chat]
    assert [False, True] == [each["strict"] for each in responses]
    assert [] == complaints(CHAT_TOOLS, chat) + complaints(RESPONSE_TOOLS, responses)


def named(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    nested = {"type": "function", "function": {"name": name}}
    return nested, {"type": "function", "name": name}


A, B = named("a"), named("b")
CHOICES = [
    ("auto", [], "auto", "auto"),
    ("none", [], "none", "none"),
    ("none", ["a"], "none", "none"),
    ("required", [], "required", "required"),
    ("one", ["a"], A[0], A[1]),
    (
        "auto",
        ["a", "b"],
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [A[0], B[0]]}},
        {"type": "allowed_tools", "mode": "auto", "tools": [A[1], B[1]]},
    ),
    (
        "required",
        ["b"],
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [B[0]]}},
        {"type": "allowed_tools", "mode": "required", "tools": [B[1]]},
    ),
]


@pytest.mark.parametrize(("mode", "names", "chat", "responses"), CHOICES)
def test_choices_are_told(mode: str, names: list[str], chat: Any, responses: Any) -> None:
    assert {"tool_choice": chat} == CHAT.choice(mode, names, parallel=None)
    assert {"tool_choice": responses} == RESPONSES.choice(mode, names, parallel=None)
    assert [] == complaints(CHAT_CHOICES, [chat])
    assert [] == complaints(RESPONSE_CHOICES, [responses])


@pytest.mark.parametrize("provider", ["openai", "openai-responses"])
@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls_are_allowed_or_not(provider: str, parallel: bool) -> None:
    made = format_of(provider).choice("auto", [], parallel=parallel)

    assert {"tool_choice": "auto", "parallel_tool_calls": parallel} == made


@pytest.mark.parametrize("provider", ["openai", "openai-responses"])
@pytest.mark.parametrize(
    ("mode", "names", "why"), [("any", [], "auto, none"), ("one", ["a", "b"], "one tool, not 2")]
)
def test_what_there_is_no_choice_of(provider: str, mode: str, names: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        format_of(provider).choice(mode, names, parallel=None)


@pytest.mark.parametrize(
    ("types", "wrong"),
    [
        (CHAT_TOOLS, {"type": "function", "function": {"name": "a", "strictness": True}}),
        (RESPONSE_TOOLS, {"type": "function", "name": "a", "parameters": {}}),
        (CHAT_CHOICES, {"type": "function", "name": "a"}),
        (RESPONSE_CHOICES, {"type": "function", "function": {"name": "a"}}),
    ],
)
def test_the_types_of_the_sdk_refuse(types: Any, wrong: Any) -> None:
    """
    A check that takes anything would say nothing above.
    """
    assert [] != complaints(types, [wrong])
