"""
What OpenAI's Responses API refuses: each rule as the exception of the openai package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from asking_providers import SCHEMA, flat_tools, openai_client
from toolcell_client.testing.providers import Calls, Says

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer

USER = {"role": "user", "content": "hello"}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "1"}


def items(*listed: Any) -> dict[str, Any]:
    return {"input": list(listed)}


def given(*items: Any) -> Any:
    return list(items)


# By the rule: what is changed in a good request, and words of the refusal.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no input": (items(), "Missing required parameter: 'input'"),
    "an unknown field": ({"messages": []}, "Unknown parameter: 'messages'"),
    "an unknown item": (items({"type": "tool"}), "Invalid value: 'tool'"),
    "a call without an output": (items(USER, CALL), "No tool output found for function call c1"),
    "an output without a call": (items(USER, OUTPUT), "output with call_id c1"),
    "an output twice": (items(USER, CALL, OUTPUT, OUTPUT), "output with call_id c1"),
    "an item's id of another kind": (items(CALL | {"id": "call_1"}, OUTPUT), "begins with 'fc'"),
    "a long call id": (items(CALL | {"call_id": "c" * 65}), "maximum length 64"),
    "a call as the package parses it": (
        items(USER, CALL | {"parsed_arguments": {}}, OUTPUT),
        "Unknown parameter: 'input[1].parsed_arguments'",
    ),
    "an output that is an object": (items(CALL, OUTPUT | {"output": {}}), "Invalid type"),
    "an unknown previous response": ({"previous_response_id": "resp_0"}, "not found"),
    "the nested form": (
        {"tools": [{"type": "function", "function": {"name": "add"}}]},
        "Missing required parameter: 'tools[0].name'",
    ),
    "a dot in a name": ({"tools": flat_tools(["a.b"])}, "does not match pattern"),
    "an optional strict property": (
        {"tools": flat_tools(["add"], strict=True, parameters=SCHEMA | {"required": []})},
        "Missing 'a'",
    ),
    "too few tokens": ({"max_output_tokens": 1}, "integer below minimum value"),
    "a nested choice": (
        {
            "tools": flat_tools(["add"]),
            "tool_choice": {"type": "function", "function": {"name": "add"}},
        },
        "Missing required parameter: 'tool_choice.name'",
    ),
}


@pytest.mark.parametrize("rule", BAD)
def test_red_when(rule: str, refusing: ProviderServer) -> None:
    changed, words = BAD[rule]

    with openai_client(refusing) as client, pytest.raises(openai.BadRequestError) as caught:
        client.post("/responses", body={"model": "known", "input": "hi"} | changed, cast_to=object)

    assert words in caught.value.message


def test_red_when_what_was_thought_is_not_sent_back(provider: ProviderServer) -> None:
    provider.script([Calls(("add", {}), thought="Add.")])
    with openai_client(provider) as client:
        said = client.responses.create(model="gpt-5", input="1 + 2")
        thought, call = said.output
        assert call.type == "function_call"
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "3"}
        with pytest.raises(openai.BadRequestError, match="without its required 'reasoning' item"):
            client.responses.create(model="gpt-5", input=given(call, output))
        with pytest.raises(openai.BadRequestError, match="without its required following item"):
            client.responses.create(model="gpt-5", input=given(call, output, thought))


def test_red_when_what_was_not_stored_is_referred_to(provider: ProviderServer) -> None:
    provider.script([Calls(("add", {}), thought="Add."), Says("3")])
    with openai_client(provider) as client:
        said = client.responses.create(model="gpt-5", input="1 + 2", store=False)
        call = said.output[1]
        assert call.type == "function_call"
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "3"}
        with pytest.raises(openai.BadRequestError, match="`store` is set to false"):
            client.responses.create(model="gpt-5", input=given(*said.output, output))
        with pytest.raises(openai.BadRequestError, match="not found"):
            client.responses.create(
                model="gpt-5", input=[output], previous_response_id=said.id, store=False
            )


def test_a_thought_that_was_not_stored_goes_back_encrypted(provider: ProviderServer) -> None:
    provider.script([Calls(("add", {}), thought="Add."), Says("3")])
    with openai_client(provider) as client:
        said = client.responses.create(
            model="gpt-5", input="1 + 2", store=False, include=["reasoning.encrypted_content"]
        )
        call = said.output[1]
        assert call.type == "function_call"
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "3"}
        again = client.responses.create(
            model="gpt-5", input=given(*said.output, output), store=False
        )

    assert "3" == again.output_text


def test_a_response_continues_the_one_before(provider: ProviderServer) -> None:
    provider.script([Calls(("add", {"a": 1})), Says("3"), Says("again")])
    with openai_client(provider) as client:
        first = client.responses.create(model="gpt-5", input="1 + 2")
        call = first.output[0]
        assert call.type == "function_call"
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "3"}
        with pytest.raises(openai.BadRequestError, match="No tool output found"):
            client.responses.create(model="gpt-5", input="and?", previous_response_id=first.id)
        second = client.responses.create(
            model="gpt-5", input=[output], previous_response_id=first.id
        )
        client.responses.create(model="gpt-5", input="and?", previous_response_id=second.id)

    view = provider.requests[-1].view
    assert view is not None
    assert ["Said", "Called", "Answered", "Said", "Said"] == [
        type(each).__name__ for each in view.entries
    ]
