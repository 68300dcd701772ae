"""
What Anthropic's Messages API refuses: each rule as the exception of the anthropic package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from asking_providers import SCHEMA, anthropic_client, anthropic_tools

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer

USER = {"role": "user", "content": "hello"}
CALL = {"type": "tool_use", "id": "t1", "name": "add", "input": {}}
OTHER = CALL | {"id": "t2"}
CALLS = {"role": "assistant", "content": [CALL, OTHER]}
ONE = {"type": "tool_result", "tool_use_id": "t1", "content": "1"}
TWO = {"type": "tool_result", "tool_use_id": "t2", "content": "2"}
TEXT = {"type": "text", "text": "so"}


def messages(*listed: Any) -> dict[str, Any]:
    return {"messages": [*listed]}


def results(*blocks: Any) -> dict[str, Any]:
    return messages(USER, CALLS, {"role": "user", "content": list(blocks)})


def tools(*names: str, **more: Any) -> dict[str, Any]:
    return {"tools": anthropic_tools(names or ("add",), **more)}


def thought(signature: str) -> dict[str, Any]:
    block = {"type": "thinking", "thinking": "hm", "signature": signature}
    return messages(USER, {"role": "assistant", "content": [block, TEXT]}, USER)


WITHOUT = "`tool_use` ids were found without `tool_result` blocks immediately after"

# By the rule: what is changed in a good request, and words of the refusal.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no messages": (messages(), "at least one message is required"),
    "no number of tokens": ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    "no tokens": ({"max_tokens": 0}, "greater than or equal to 1"),
    "an unknown field": ({"n": 1}, "n: Extra inputs are not permitted"),
    "a temperature, in the newest version": ({"temperature": 0}, "temperature: Extra inputs"),
    "an unknown role": (messages({"role": "tool", "content": "1"}), "Input should be 'user'"),
    "the assistant first": (
        messages({"role": "assistant", "content": "hi"}),
        'first message must use the "user" role',
    ),
    "empty text": (messages({"role": "user", "content": [TEXT | {"text": ""}]}), "non-empty"),
    "nothing said": (messages({"role": "user", "content": ""}), "must have non-empty content"),
    "a result missing": (results(ONE), f"messages.1: {WITHOUT}: t2."),
    "no results": (messages(USER, CALLS), f"{WITHOUT}: t1, t2."),
    "results in two messages": (
        messages(
            USER, CALLS, {"role": "user", "content": [ONE]}, {"role": "user", "content": [TWO]}
        ),
        f"{WITHOUT}: t2.",
    ),
    "text before results": (results(TEXT, ONE, TWO), f"{WITHOUT}: t1, t2."),
    "an unknown id": (results(ONE, TWO, TWO | {"tool_use_id": "t3"}), "unexpected `tool_use_id`"),
    "a result twice": (results(ONE, TWO, ONE), "unexpected `tool_use_id`"),
    "a call id twice": (
        messages(USER, CALLS | {"content": [CALL, CALL]}),
        "`tool_use` ids must be unique",
    ),
    "an id of other characters": (
        messages(USER, CALLS | {"content": [CALL | {"id": "a.b"}]}),
        "String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    "arguments as text": (
        messages(USER, CALLS | {"content": [CALL | {"input": "{}"}]}),
        "tool_use.input: Input should be a valid dictionary",
    ),
    "an unknown field of a block": (
        messages(USER, CALLS | {"content": [CALL | {"index": 0}]}),
        "tool_use.index: Extra inputs are not permitted",
    ),
    "an unknown block": (messages({"role": "user", "content": [{"type": "x"}]}), "Input tag 'x'"),
    "a thought of another": (thought("forged"), "Invalid `signature` in `thinking` block"),
    "a document of the assistant": (
        messages(
            USER, {"role": "assistant", "content": [{"type": "document", "source": {}}]}, USER
        ),
        "`document` blocks are not permitted",
    ),
    "citations of the user": (
        messages({"role": "user", "content": [TEXT | {"citations": []}]}),
        "citations: Extra inputs are not permitted",
    ),
    "a dot in a name": (tools("a.b"), "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"),
    "a name twice": (tools("add", "add"), "Tool names must be unique."),
    "no schema": ({"tools": [{"name": "add"}]}, "input_schema: Field required"),
    "a schema of an array": (tools(input_schema={"type": "array"}), "should be 'object'"),
    "a union at the root": (tools(input_schema=SCHEMA | {"anyOf": []}), "at the top level"),
    "a property with a space": (
        tools(input_schema=SCHEMA | {"properties": {"a b": {}}}),
        "Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
    ),
    "an unknown field of a tool": (tools(parameters={}), "parameters: Extra inputs"),
    "an open strict schema": (
        tools(strict=True, input_schema=SCHEMA | {"additionalProperties": True}),
        "'additionalProperties' must be explicitly set to false",
    ),
    "a strict minimum": (
        tools(strict=True, input_schema=SCHEMA | {"properties": {"a": {"minimum": 1}}}),
        "'minimum' is not supported",
    ),
    "too many strict tools": (tools(*(f"t{n}" for n in range(21)), strict=True), "at most 20"),
    "a choice without tools": ({"tool_choice": {"type": "auto"}}, "while providing tools"),
    "a choice that is not offered": (
        tools() | {"tool_choice": {"type": "tool", "name": "sub"}},
        "Tool 'sub' not found in provided tools",
    ),
    "results without tools": (results(ONE, TWO) | {"tools": []}, "must define tools"),
}


def ask(server: ProviderServer, changed: dict[str, Any], key: str = "key", **more: Any) -> Any:
    body = {"model": "known", "max_tokens": 9, "messages": [USER], **tools()} | changed
    with anthropic_client(server, key) as client:
        return client.post("/v1/messages", body=body, cast_to=object, **more)


@pytest.mark.parametrize("rule", BAD)
def test_red_when(rule: str, refusing: ProviderServer) -> None:
    changed, words = BAD[rule]
    if rule == "a choice without tools":
        changed = changed | {"tools": []}

    with pytest.raises(anthropic.BadRequestError) as caught:
        ask(refusing, changed)

    assert words in str(caught.value.body)
    assert "invalid_request_error" == caught.value.type


@pytest.mark.parametrize(
    "changed",
    [
        results(ONE, TWO),
        results(TWO, ONE, TEXT),
        results(ONE | {"is_error": True}, TWO | {"content": [TEXT]}),
        thought("c2lnbmVkIGxvY2FsbHk="),
        tools(strict=True),
        messages(USER, {"role": "system", "content": "Be brief."}, USER),
    ],
)
def test_green_when(changed: dict[str, Any], refusing: ProviderServer) -> None:
    with pytest.raises(anthropic.BadRequestError, match="no more steps"):
        ask(refusing, changed)


def test_the_version_of_old_takes_what_it_took(refusing: ProviderServer) -> None:
    old = {"headers": {"anthropic-version": "2023-06-01"}}
    with pytest.raises(anthropic.BadRequestError, match="no more steps"):
        ask(refusing, {"temperature": 0.5}, options=old)
    with pytest.raises(anthropic.BadRequestError, match="is not a valid version"):
        ask(refusing, {}, options={"headers": {"anthropic-version": "2020-01-01"}})


def test_red_when_the_request_is_not_permitted(refusing: ProviderServer) -> None:
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        ask(refusing, {}, key="another")
    with pytest.raises(anthropic.NotFoundError, match="model: unknown"):
        ask(refusing, {"model": "unknown"})
    with pytest.raises(anthropic.APIStatusError) as large:
        ask(refusing, {"system": "s" * 100_000})

    assert 413 == large.value.status_code
