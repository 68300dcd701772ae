"""
A response of each provider that holds one call, and the SDK's type of a definition.
"""

from __future__ import annotations

import json
from typing import Any

from anthropic.types import ToolParam as AnthropicTool
from google.genai.types import ToolDict
from openai.types.chat import ChatCompletionFunctionToolParam
from openai.types.chat.completion_create_params import Function
from openai.types.realtime import RealtimeFunctionToolParam
from openai.types.responses import FunctionToolParam

# The voice types of this SDK name the fields; the definitions of Gemini are camel case on the wire.
DEFINITIONS: dict[str, Any] = {
    "openai": ChatCompletionFunctionToolParam,
    "openai-functions": Function,
    "openai-responses": FunctionToolParam,
    "openai-realtime": RealtimeFunctionToolParam,
    "anthropic": AnthropicTool,
    "gemini": ToolDict,
}


def response(provider: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """
    What the provider answers when a model calls one tool.
    """
    text = json.dumps(arguments)
    item = {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": name,
        "arguments": text,
        "status": "completed",
    }
    function = {"name": name, "arguments": text}
    called = [{"id": "call_1", "type": "function", "function": function}]
    return {
        "openai": _chat({"tool_calls": called}, "tool_calls"),
        "openai-functions": _chat({"function_call": function}, "function_call"),
        "openai-responses": {"object": "response", "status": "completed", "output": [item]},
        "openai-realtime": {
            "type": "response.done",
            "response": {"status": "completed", "output": [item]},
        },
        "anthropic": {
            "role": "assistant",
            "stop_reason": "tool_use",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}],
        },
        "gemini": {
            "candidates": [
                {
                    "finishReason": "STOP",
                    "content": {
                        "role": "model",
                        "parts": [{"functionCall": {"name": name, "args": arguments}}],
                    },
                }
            ]
        },
    }[provider]


def _chat(message: dict[str, Any], reason: str) -> dict[str, Any]:
    whole = {"role": "assistant", "content": None, **message}
    return {"choices": [{"index": 0, "finish_reason": reason, "message": whole}]}
