"""
`POST /v1/chat/completions`, with tools or with the functions of old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import openai_chat_write as write
from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.openai_chat_read import read_messages
from toolcell_client.testing.providers.openai_tools import (
    check_choice,
    check_function,
    check_list,
    check_unique,
)
from toolcell_client.testing.providers.openai_words import field, invalid, only, typed
from toolcell_client.testing.providers.refusing import Refused
from toolcell_client.testing.providers.view import SeenTool, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_client.testing.providers.reply import Reply, Request

# Those of `CompletionCreateParams` in the openai package.
_FIELDS = """
audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
max_tokens messages metadata modalities model moderation n parallel_tool_calls prediction
presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort
response_format safety_identifier seed service_tier stop store stream stream_options
temperature tool_choice tools top_logprobs top_p user verbosity web_search_options
"""
FIELDS = frozenset(_FIELDS.split())
FUNCTION_FIELDS = frozenset({"name", "description", "parameters", "strict"})


class OpenAiChatWire:
    """
    See `Wire`.
    """

    provider = "openai"
    reply_prefix = "chatcmpl-"
    call_prefix = "call_"
    wrong_key_status = 401

    def authorize(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:  # noqa: ARG002
        return words.authorize(headers)

    def read(self, request: Request) -> View:
        body = request.body
        for name in body:
            if name not in FIELDS:
                raise Refused(400, f"Unrecognized request argument supplied: {name}")
        model = field(body, "model", str, "")
        read = read_messages(field(body, "messages", list, ""))
        _check_stream(body)
        functions = "functions" in body
        tools = _functions(body) if functions else _tools(body)
        mode, allowed = _choice(body, tools)
        return View(
            provider="openai-functions" if functions else self.provider,
            model=model,
            instructions="\n".join(read.instructions),
            tools=tools,
            entries=tuple(read.entries),
            choice=mode,
            allowed=allowed,
            parallel=not functions and body.get("parallel_tool_calls") is not False,
            stream=bool(body.get("stream")),
        )

    def whole(self, reply: Reply) -> dict[str, Any]:
        return write.completion(reply)

    def events(self, reply: Reply) -> Iterator[str]:
        return write.chunks(reply)

    def error(self, refused: Refused) -> dict[str, Any]:
        return words.error(refused)


def _tools(body: Mapping[str, Any]) -> tuple[SeenTool, ...]:
    if body.get("tools") is None:
        if "parallel_tool_calls" in body:
            raise invalid(
                "'parallel_tool_calls' is only allowed when 'tools' are specified.",
                "parallel_tool_calls",
            )
        return ()
    tools = []
    for at, tool in enumerate(check_list(body["tools"])):
        where = f"tools[{at}]"
        kind = field(typed(tool, dict, where), "type", str, where)
        if kind == "custom":
            name = field(field(tool, "custom", dict, where), "name", str, f"{where}.custom")
            tools.append(SeenTool(name))
            continue
        if kind != "function":
            raise invalid(
                f"Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.",
                f"{where}.type",
            )
        only(tool, frozenset({"type", "function"}), where)
        function = field(tool, "function", dict, where)
        only(function, FUNCTION_FIELDS, f"{where}.function")
        tools.append(check_function(function, f"{where}.function"))
    check_unique(tools)
    return tuple(tools)


def _functions(body: Mapping[str, Any]) -> tuple[SeenTool, ...]:
    if body.get("tools") is not None:
        raise invalid("'functions' and 'tools' cannot be used together.", "functions")
    tools = []
    for at, function in enumerate(check_list(body["functions"], "functions")):
        where = f"functions[{at}]"
        only(typed(function, dict, where), FUNCTION_FIELDS - {"strict"}, where)
        tools.append(check_function(function, where))
    check_unique(tools, "functions")
    return tuple(tools)


def _choice(body: Mapping[str, Any], tools: tuple[SeenTool, ...]) -> tuple[str, tuple[str, ...]]:
    if "functions" in body:
        choice = body.get("function_call", "auto")
        if isinstance(choice, dict):
            choice = {"type": "function", "function": choice}
        return check_choice(choice, tools, nested=True)
    choice = body.get("tool_choice")
    if choice is None:
        return ("auto" if tools else "none"), ()
    if not tools:
        raise invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    return check_choice(choice, tools, nested=True)


def _check_stream(body: Mapping[str, Any]) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
