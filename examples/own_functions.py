"""
What a program had before toolcell: functions, their schemas, and how a call gets to its function.
For openai_loop_before.py.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageToolCallUnion


def text_stats(text: str) -> dict[str, int]:
    return {"words": len(text.split()), "characters": len(text)}


FUNCTIONS = {"text_stats": text_stats}
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "text_stats",
            "description": "Counts the words and characters of a text.",
            "parameters": {
                "type": "object",
                "properties": {"text": {"type": "string"}},
                "required": ["text"],
            },
        },
    }
]


def execute(call: ChatCompletionMessageToolCallUnion) -> str:
    assert call.type == "function"
    function = FUNCTIONS[call.function.name]
    return json.dumps(function(**json.loads(call.function.arguments)))
