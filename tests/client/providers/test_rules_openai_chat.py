"""
What OpenAI's chat completions refuse: each rule as the exception of the openai package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from asking_providers import SCHEMA, chat_tools, openai_client

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer

USER = {"role": "user", "content": "hello"}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
OTHER = CALL | {"id": "c2"}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL, OTHER]}
ONE = {"role": "tool", "tool_call_id": "c1", "content": "1"}
TWO = {"role": "tool", "tool_call_id": "c2", "content": "2"}
OPEN = {"type": "object", "properties": {"a": {"type": "integer"}}}


def tools(*names: str, **more: Any) -> dict[str, Any]:
    return {"tools": chat_tools(names or ("add",), **more)}


def messages(*listed: Any) -> dict[str, Any]:
    return {"messages": list(listed)}


def strict(**changed: Any) -> dict[str, Any]:
    return tools(strict=True, parameters=SCHEMA | changed)


# By the rule: what is changed in a good request, and words of the refusal.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "Invalid type for 'model'"),
    "no messages": (messages(), "Invalid 'messages': empty array"),
    "an unknown field": ({"thinking": {}}, "Unrecognized request argument supplied: thinking"),
    "an unknown role": (messages({"role": "robot", "content": ""}), "Invalid value: 'robot'"),
    "a call without an answer": (messages(USER, CALLS, ONE), "did not have response messages: c2"),
    "the user before all answers": (messages(USER, CALLS, ONE, USER, TWO), "messages: c2"),
    "an answer without a call": (messages(USER, ONE), "must be a response to a preceeding message"),
    "an answer to another call": (
        messages(USER, CALLS, ONE, TWO, ONE),
        "not found in 'tool_calls' of previous message",
    ),
    "a call id twice": (
        messages(USER, CALLS | {"tool_calls": [CALL, CALL]}, ONE),
        "Duplicate value",
    ),
    "arguments as an object": (
        messages(
            USER, CALLS | {"tool_calls": [CALL | {"function": {"name": "a", "arguments": {}}}]}
        ),
        "expected a string, but got an object instead",
    ),
    "a call as a stream has it": (
        messages(USER, CALLS | {"tool_calls": [CALL | {"index": 0}]}, ONE),
        "Unknown parameter: 'messages[1].tool_calls[0].index'",
    ),
    "nothing said": (messages(USER, {"role": "assistant", "content": None}), "expected a string"),
    "no tools": ({"tools": []}, "Invalid 'tools': empty array"),
    "too many tools": (tools(*(f"t{n}" for n in range(129))), "array too long"),
    "a dot in a name": (tools("a.b"), "does not match pattern"),
    "a long name": (tools("a" * 65), "string too long. Expected a string with maximum length 64"),
    "a name twice": (tools("add", "add"), "is there twice"),
    "a long description": (tools(description="d" * 1025), "maximum length 1024"),
    "parameters of an array": (tools(parameters={"type": "array"}), "got 'type: \"array\"'"),
    "the flat form": ({"tools": [{"type": "function", "name": "add"}]}, "Unknown parameter"),
    "an open strict schema": (strict(additionalProperties=True), "'additionalProperties' is req"),
    "an optional strict property": (strict(required=["a"]), "Missing 'b'"),
    "a choice without tools": ({"tool_choice": "auto"}, "only allowed when 'tools' are specified"),
    "parallel without tools": ({"parallel_tool_calls": True}, "only allowed when 'tools'"),
    "an unknown choice": (tools() | {"tool_choice": "any"}, "Invalid value: 'any'"),
    "a choice that is not offered": (
        tools() | {"tool_choice": {"type": "function", "function": {"name": "sub"}}},
        "Tool choice 'sub' not found in 'tools' parameter",
    ),
    "an allowed tool that is not offered": (
        tools()
        | {
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "sub"}}],
                },
            }
        },
        "Tool choice 'sub' not found",
    ),
    "functions and tools": (tools() | {"functions": [{"name": "a"}]}, "cannot be used together"),
    "usage without a stream": ({"stream_options": {"include_usage": True}}, "'stream' is enabled"),
}


def ask(server: ProviderServer, changed: dict[str, Any], key: str = "key") -> Any:
    body = {"model": "known", "messages": [USER]} | changed
    with openai_client(server, key) as client:
        return client.post("/chat/completions", body=body, cast_to=object)


@pytest.mark.parametrize("rule", BAD)
def test_red_when(rule: str, refusing: ProviderServer) -> None:
    changed, words = BAD[rule]

    with pytest.raises(openai.BadRequestError) as caught:
        ask(refusing, changed)

    assert words in caught.value.message
    assert "invalid_request_error" == caught.value.type
    assert refusing.requests[-1].refused


GOOD: dict[str, dict[str, Any]] = {
    "all answers, in any order": messages(USER, CALLS, TWO, ONE, USER) | tools(),
    "a strict schema": strict(),
    "an open schema that is not strict": tools(parameters=OPEN),
    "an allowed tool": tools()
    | {
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "add"}}],
            },
        }
    },
    "parts of text": messages({"role": "user", "content": [{"type": "text", "text": "hello"}]}),
}


@pytest.mark.parametrize("rule", GOOD)
def test_green_when(rule: str, refusing: ProviderServer) -> None:
    """
    A good request reaches the model, of which there is none.
    """
    with pytest.raises(openai.BadRequestError, match="no more steps"):
        ask(refusing, GOOD[rule])

    assert refusing.requests[-1].view is not None


def test_red_when_the_request_is_not_permitted(refusing: ProviderServer) -> None:
    with pytest.raises(openai.AuthenticationError) as unknown:
        ask(refusing, {}, key="another")
    with pytest.raises(openai.NotFoundError) as missing:
        ask(refusing, {"model": "unknown"})
    with pytest.raises(openai.APIStatusError) as large:
        ask(refusing, {"user": "u" * 100_000})

    assert "invalid_api_key" == unknown.value.code
    assert "model_not_found" == missing.value.code
    assert 413 == large.value.status_code
