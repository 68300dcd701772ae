"""
Chat models of LangChain that say what a test has written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage


class Scripted(BaseChatModel):
    """
    Says one message of the script after the other; `seen` are the definitions that it was told.
    """

    script: list[AIMessage]
    seen: list[dict[str, Any]] = Field(default_factory=list)
    asked: list[list[Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Any:
        self.seen.extend(convert_to_openai_tool(each) for each in tools)
        return self

    def _generate(self, messages: list[BaseMessage], *rest: Any, **options: Any) -> ChatResult:
        self.asked.append(list(messages))
        said = self.script[len(self.asked) - 1]
        return ChatResult(generations=[ChatGeneration(message=said)])


def calls(*made: tuple[str, str, dict[str, Any]]) -> AIMessage:
    """
    A message that calls: (id, tool, arguments).
    """
    return AIMessage(
        content="",
        tool_calls=[
            {"name": name, "args": arguments, "id": call_id, "type": "tool_call"}
            for call_id, name, arguments in made
        ],
    )
