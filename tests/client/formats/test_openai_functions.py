"""
Legacy functions of OpenAI.
"""

from __future__ import annotations

from typing import Any

import pytest
from answering import TOOLS, answered
from chunking import read
from openai_requests import CHAT_MESSAGES, FUNCTION_CALLS, FUNCTIONS, complaints
from openai_streams import chunk, completion
from toolcell_client.formats import Problem, RawCall, Stop, format_of

LEGACY = format_of("openai-functions")
CALLED = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
CALL = RawCall(
    call_id="", name="get_weather", arguments=CALLED["arguments"], echo={"role": "function"}
)


def test_a_call_is_answered_by_the_name_of_the_function() -> None:
    """
    There is no id to answer to.
    """
    turn = LEGACY.turn(completion({"content": None, "function_call": CALLED}, "function_call"))
    results = LEGACY.results(answered(turn, {"temp": 3}))

    assert ((CALL,), Stop.CALLS) == (turn.calls, turn.stop)
    assert [{"role": "function", "name": "get_weather", "content": '{"temp": 3}'}] == results
    assert ({"role": "assistant", "content": None, "function_call": CALLED},) == turn.messages
    assert [] == complaints(CHAT_MESSAGES, [*turn.messages, *results])


def test_a_call_is_put_together_from_deltas() -> None:
    deltas = [
        {"role": "assistant", "content": None, "function_call": {"name": "get_weather"}},
        {"function_call": {"arguments": '{"city":'}},
        {"function_call": {"arguments": '"Oslo"}'}},
    ]
    chunks = [*(chunk(each) for each in deltas), chunk(finish_reason="function_call")]

    assert (CALL,) == read(LEGACY, chunks).calls


def test_a_truncated_call_has_a_problem() -> None:
    turn = LEGACY.turn(completion({"content": None, "function_call": CALLED}, "length"))

    assert [Problem.TRUNCATED] == [each.problem for each in turn.calls]


def test_definitions_are_flat_and_know_no_strictness() -> None:
    made = TOOLS.definitions("openai-functions")

    assert [] == complaints(FUNCTIONS, made)
    assert {"get_time", "get_weather"} == {each["name"] for each in made}


@pytest.mark.parametrize(
    ("mode", "names", "expected"),
    [
        ("auto", [], "auto"),
        ("none", [], "none"),
        ("none", ["get_time"], "none"),
        ("one", ["get_time"], {"name": "get_time"}),
        ("required", ["get_time"], {"name": "get_time"}),
    ],
)
def test_a_choice(mode: str, names: list[str], expected: Any) -> None:
    made = LEGACY.choice(mode, names, parallel=None)

    assert {"function_call": expected} == made
    assert made == LEGACY.choice(mode, names, parallel=False)
    assert [] == complaints(FUNCTION_CALLS, made.values())


@pytest.mark.parametrize(
    ("mode", "names", "parallel", "why"),
    [
        ("required", [], None, "by name only"),
        ("required", ["a", "b"], None, "by name only"),
        ("auto", ["a"], None, "define no others"),
        ("auto", [], True, "no parallel calls"),
        ("any", [], None, "no mode"),
        ("one", [], None, "one tool"),
    ],
)
def test_what_it_cannot_be_told(
    mode: str, names: list[str], parallel: bool | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        LEGACY.choice(mode, names, parallel=parallel)
