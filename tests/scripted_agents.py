"""
A model of the OpenAI Agents SDK that says what a test has written down.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agents import Model, ModelResponse, Usage
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class ScriptedModel(Model):
    """
    Says one turn of the script after the other; `tools` are those that it was told last, `outputs`
    what tools said, by call id.
    """

    def __init__(self, *script: list[Any]) -> None:
        self._script = list(script)
        self.tools: list[Any] = []
        self.outputs: dict[str, str] = {}

    async def get_response(self, *asked: Any, **more: Any) -> ModelResponse:
        named = {**dict(zip(("system", "input", "settings", "tools"), asked, strict=False)), **more}
        self.tools = list(named["tools"])
        for each in named["input"] if isinstance(named["input"], list) else []:
            if isinstance(each, dict) and each.get("type") == "function_call_output":
                self.outputs[each["call_id"]] = str(each["output"])
        return ModelResponse(output=self._script.pop(0), usage=Usage(), response_id=None)

    def stream_response(self, *rest: Any, **more: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def called(call_id: str, name: str, arguments: Any) -> ResponseFunctionToolCall:
    """
    A call; text stays as the model wrote it.
    """
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ResponseFunctionToolCall(
        call_id=call_id, name=name, arguments=written, type="function_call"
    )


def says(text: str) -> ResponseOutputMessage:
    content = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(
        id="m", content=[content], role="assistant", status="completed", type="message"
    )
