"""
Everything that goes out to a provider is what its installed SDK takes, and nothing more.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from calling_responses import Call, response_of
from outgoing_types import MESSAGES
from toolcell.v1.execution_pb2 import Completed, Failed, Finished, Outcome
from toolcell_client.testing import completed

if TYPE_CHECKING:
    from toolcell_client import Client
    from toolcell_client.loops.turn_result import TurnResult
    from toolcell_client.testing import FakeServer

PROVIDERS = sorted(MESSAGES)
A: Call = ("call_1", "tell", {})
B: Call = ("call_2", "tell", {})
LONG = [f"verse {number}: la la la" for number in range(2_000)]
HALF_A_CHARACTER = Finished(
    outcome=Outcome(completed=Completed()), result_json=b'{"a":"\\ud800","b":1e999}'
)
FAILED = Finished(outcome=Outcome(failed=Failed(), message="b is zero", hint="Choose another b."))
MISFIT: Any = (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENTS_INVALID")
FAILED_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION

# By kind of answer: what the tool brings, and words that must be in what the model is told.
TOLD: dict[str, tuple[Finished, str]] = {
    "plain text": (completed("three degrees"), "three degrees"),
    "an object": (completed({"temp": 3}), '{"temp": 3}'),
    "an array": (completed([1, [2]]), "[1, [2]]"),
    "a number": (completed(3.5), "3.5"),
    "nothing": (completed(None), "null"),
    "an empty string": (completed(""), ""),
    "blanks": (completed(" \n"), ""),
    "other letters": (completed("blå 🌧"), "blå 🌧"),
    "an object with its own error": (completed({"error": "x", "output": 1}), '"error": "x"'),
    "half a character, and a number that is none": (
        HALF_A_CHARACTER,
        '{"a": "?", "b": "Infinity"}',
    ),
    "a failure with a hint": (FAILED, "Choose another b."),
    "a part, with a handle to the rest": (completed(LONG), "read_result with the handle"),
}
# By problem of the last call: the calls, and whether the response was cut off.
PROBLEMS: dict[str, tuple[list[Call], bool]] = {
    "repeated": ([A, ("call_1", "tell", {"again": 1})], False),
    "malformed": ([("call_1", "tell", "[1")], False),
    "truncated": ([("call_1", "tell", {})], True),
    "unknown_tool": ([("call_1", "tall", {})], False),
    "not_offered": ([("call_1", "other", {})], False),
}
# A legacy response has one call at most, and no ids.
IMPOSSIBLE = {("openai-functions", "repeated")}
CASES = [
    (each, problem)
    for each in PROVIDERS
    for problem in PROBLEMS
    if (each, problem) not in IMPOSSIBLE
]


def text_of(provider: str, messages: list[dict[str, Any]]) -> str:
    """
    What is told, as one text in which quotes are as the model sees them.
    """
    told = json.dumps(messages, ensure_ascii=False)
    return told if provider == "gemini" else told.replace('\\"', '"')


def check(provider: str, told: list[dict[str, Any]], done: TurnResult) -> None:
    """
    The turn and its answers, as they go out; and they can be written.
    """
    sent = [*done.turn.messages, *told]
    assert told
    assert [] == MESSAGES[provider](deepcopy(sent))
    assert json.dumps(sent, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_tool_brings(provider: str, kind: str, server: FakeServer, client: Client) -> None:
    brings, words = TOLD[kind]
    server.tool("tell", brings)

    done = client.run_tool_calls(provider, response_of(provider, A, B))

    check(provider, done.messages, done)
    assert words in text_of(provider, done.messages)
    assert all(each.failed == (kind == "a failure with a hint") for each in done.answers)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refusal_with_violations(provider: str, server: FakeServer, client: Client) -> None:
    server.tool("tell", completed(1))
    server.refuse("tell", *MISFIT, violations=[("arguments_json/unit", "must be one of C, F")])

    done = client.run_tool_calls(provider, response_of(provider, A))

    check(provider, done.messages, done)
    assert "must be one of C, F" in text_of(provider, done.messages)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_that_waits_for_a_yes(provider: str, server: FakeServer, client: Client) -> None:
    server.tool("tell", completed(1))
    asked = {"approval_id": "ap1", "approval_token": "toktok", "kind": "confirm"}
    server.refuse("tell", FAILED_PRECONDITION, "APPROVAL_REQUIRED", times=2, metadata=asked)

    done = client.run_tool_calls(provider, response_of(provider, A, B))

    check(provider, done.messages_meanwhile, done)
    assert "waits_for_approval" in text_of(provider, done.messages_meanwhile)
    assert [] == MESSAGES[provider](client.resume_tool_calls(done, {}).messages_meanwhile)


@pytest.mark.parametrize(("provider", "problem"), CASES)
def test_a_call_with_a_problem(
    provider: str, problem: str, server: FakeServer, client: Client
) -> None:
    server.tool("tell", completed("told"))
    server.tool("other", completed("told"))
    calls, cut = PROBLEMS[problem]

    done = client.run_tool_calls(provider, response_of(provider, *calls, cut=cut), only=["tell"])

    check(provider, done.messages, done)
    problems = [each.problem for each in done.turn.calls]
    assert expected_problems(provider, problem) == problems
    assert problems.count(None) == len(server.requests)


def expected_problems(provider: str, problem: str) -> list[str | None]:
    if problem != "repeated":
        return [problem]
    # A voice session has items by their calls, so that a second one says the same call again.
    return [None] if provider == "openai-realtime" else [None, problem]
