"""
The examples of the reference of provider protocols, whole: what a provider sends, what was read of
it, and what it is answered.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from answering import TOOLS
from chunking import read
from openai_streams import chunk, completion
from outgoing_types import CHOICES, DEFINITIONS, MESSAGES
from realtime_events import done
from toolcell_client.formats import Answer, OfferedTool, Toolset, format_of
from toolcell_client.formats.openai_chat import FORMAT as CHAT

if TYPE_CHECKING:
    from toolcell_client.formats.turns import RawCall

WRITTEN = '{"city":"Oslo"}'
WEATHER = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Oslo"}}
SAID = [
    {"type": "text", "text": "..."},
    WEATHER,
    {"type": "tool_use", "id": "toolu_02", "name": "get_time", "input": {}},
]
RESULTS = [
    {"type": "tool_result", "tool_use_id": "toolu_01", "content": "3 C"},
    {
        "type": "tool_result",
        "tool_use_id": "toolu_02",
        "content": "timeout after 5s",
        "is_error": True,
    },
]
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city":"Oslo","unit":null}'},
        }
    ],
}
LEGACY = {
    "role": "assistant",
    "content": None,
    "function_call": {"name": "get_weather", "arguments": WRITTEN},
}
ITEM = {
    "type": "function_call",
    "id": "fc_9",
    "call_id": "call_1",
    "name": "get_weather",
    "arguments": WRITTEN,
    "status": "completed",
    "caller": {"type": "direct"},
}
VOICE = {key: each for key, each in ITEM.items() if key != "caller"}
SIGNED = {
    "role": "model",
    "parts": [
        {
            "functionCall": {"id": "a1", "name": "get_weather", "args": {"city": "Oslo"}},
            "thoughtSignature": "b3BhcXVl",
        }
    ],
}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": '{"temp":3}'}
RESPONSE = {"id": "a1", "name": "get_weather", "response": {"output": {"temp": 3}}}

# By provider: the response, what goes back of it, what its calls are answered (and whether that is
# an error), and the messages of that.
ROUNDS: dict[str, tuple[Any, list[Any], list[tuple[Any, bool]], list[Any]]] = {
    "openai": (
        completion(CALLED, "tool_calls"),
        [CALLED],
        [('{"temp":3}', False)],
        [{"role": "tool", "tool_call_id": "call_1", "content": '{"temp":3}'}],
    ),
    "openai-functions": (
        completion(LEGACY, "function_call"),
        [LEGACY],
        [('{"temp":3}', False)],
        [{"role": "function", "name": "get_weather", "content": '{"temp":3}'}],
    ),
    "openai-responses": (
        {"status": "completed", "output": [{**ITEM, "namespace": None}]},
        [ITEM],
        [('{"temp":3}', False)],
        [{**OUTPUT, "caller": {"type": "direct"}}],
    ),
    "openai-realtime": (
        done("r1", VOICE),
        [],  # the server keeps the conversation
        [('{"temp":3}', False)],
        [{"type": "conversation.item.create", "item": OUTPUT}],
    ),
    "anthropic": (
        {"role": "assistant", "content": SAID, "stop_reason": "tool_use"},
        [{"role": "assistant", "content": SAID}],
        [("3 C", False), ("timeout after 5s", True)],
        [{"role": "user", "content": RESULTS}],
    ),
    "gemini": (
        {"candidates": [{"content": SIGNED, "finishReason": "STOP"}]},
        [SIGNED],
        [({"temp": 3}, False)],
        [{"role": "user", "parts": [{"functionResponse": RESPONSE}]}],
    ),
}


@pytest.mark.parametrize("provider", ROUNDS)
def test_a_round_of_calls_and_results(provider: str) -> None:
    response, back, values, messages = deepcopy(ROUNDS[provider])
    turn = TOOLS.turn(provider, response)
    answers = [
        Answer(call=call, value=value, failed=failed)
        for call, (value, failed) in zip(turn.calls, values, strict=True)
    ]
    told = TOOLS.results(provider, answers)

    assert {"city": "Oslo"}.items() <= turn.calls[0].arguments.items()
    assert [None] * len(values) == [each.problem for each in turn.calls]
    assert back == [*turn.messages]
    assert messages == told
    assert [] == MESSAGES[provider]([*turn.messages, *told])


DELTAS: list[dict[str, Any]] = [
    {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    },
    {"index": 0, "function": {"arguments": '{"ci'}},
    {
        "index": 1,
        "id": "call_2",
        "type": "function",
        "function": {"name": "get_time", "arguments": ""},
    },
    {"index": 0, "function": {"arguments": 'ty":"Oslo"}'}},
]


def test_the_stream_of_interleaved_calls() -> None:
    """
    The second never gets any text, which is no arguments.
    """
    chunks = [chunk({"tool_calls": [each]}) for each in DELTAS]
    streamed = read(CHAT, [*chunks, chunk(finish_reason="tool_calls")])
    calls: tuple[RawCall, ...] = streamed.turn.calls

    assert [("call_1", "get_weather"), ("call_2", "get_time")] == [
        (each.call_id, each.name) for each in calls
    ]
    assert [{"city": "Oslo"}, {}] == [
        each.arguments for each in TOOLS.read("openai", streamed.turn).calls
    ]


CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
ONE = Toolset([OfferedTool(name="get_weather", description="...", parameters=CITY)])
FLAT = {"type": "function", "name": "get_weather", "description": "...", "parameters": CITY}
NESTED = {"name": "get_weather", "description": "...", "parameters": CITY, "strict": True}
DECLARED = {"name": "get_weather", "description": "...", "parametersJsonSchema": CITY}
TAKING_STRICT = {"openai", "openai-responses", "anthropic"}
# By provider: the definition, and the choice of that tool.
REQUESTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "openai": (
        {"type": "function", "function": NESTED},
        {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    ),
    "openai-functions": (
        {"name": "get_weather", "description": "...", "parameters": CITY},
        {"function_call": {"name": "get_weather"}},
    ),
    "openai-responses": (
        {**FLAT, "strict": True},
        {"tool_choice": {"type": "function", "name": "get_weather"}},
    ),
    "openai-realtime": (FLAT, {"tool_choice": {"type": "function", "name": "get_weather"}}),
    "anthropic": (
        {"name": "get_weather", "description": "...", "input_schema": CITY, "strict": True},
        {"tool_choice": {"type": "tool", "name": "get_weather"}},
    ),
    "gemini": (
        {"functionDeclarations": [DECLARED]},
        {
            "toolConfig": {
                "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}
            }
        },
    ),
}


@pytest.mark.parametrize("provider", REQUESTS)
def test_a_request(provider: str) -> None:
    definition, choice = REQUESTS[provider]
    made = ONE.definitions(provider, strict=provider in TAKING_STRICT)

    assert [definition] == made
    assert choice == ONE.choice(provider, "get_weather")
    assert [] == DEFINITIONS[provider](made) + CHOICES[provider](choice)
    assert format_of(provider).provider == provider
