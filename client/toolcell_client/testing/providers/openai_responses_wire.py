"""
`POST /v1/responses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import openai_responses_write as write
from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.openai_responses_read import Kept, read_items
from toolcell_client.testing.providers.openai_tools import (
    check_choice,
    check_function,
    check_list,
    check_unique,
)
from toolcell_client.testing.providers.openai_words import field, invalid, only, typed
from toolcell_client.testing.providers.view import SeenTool, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_client.testing.providers.refusing import Refused
    from toolcell_client.testing.providers.reply import Reply, Request

# Those of `ResponseCreateParams` in the openai package.
_FIELDS = """
access_programs background background_options context_management conversation image include input
instructions max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls
previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
safety_identifier service_tier store stream stream_options temperature text tool_choice tools
top_logprobs top_p truncation user
"""
FIELDS = frozenset(_FIELDS.split())
# Those of `FunctionToolParam`.
_TOOL_FIELDS = """
allowed_callers async defer_loading description name output_schema parameters strict type
"""
TOOL_FIELDS = frozenset(_TOOL_FIELDS.split())
MIN_OUTPUT_TOKENS = 16


class OpenAiResponsesWire:
    """
    See `Wire`.  `kept` is what the server remembers between requests.
    """

    provider = "openai-responses"
    reply_prefix = "resp_"
    call_prefix = "call_"
    wrong_key_status = 401

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def authorize(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:  # noqa: ARG002
        return words.authorize(headers)

    def read(self, request: Request) -> View:
        body = request.body
        only(body, FIELDS, "")
        model = field(body, "model", str, "")
        most = body.get("max_output_tokens")
        if most is not None and typed(most, int, "max_output_tokens") < MIN_OUTPUT_TOKENS:
            raise invalid(
                f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >="
                f" {MIN_OUTPUT_TOKENS}, but got {most} instead.",
                "max_output_tokens",
                "integer_below_min_value",
            )
        read = read_items(self._history(body), self._kept)
        tools = _tools(body)
        choice = body.get("tool_choice")
        mode, allowed = (
            ("auto" if tools else "none", ())
            if choice is None
            else check_choice(choice, tools, nested=False)
        )
        instructions = [body.get("instructions") or "", *read.instructions]
        return View(
            provider=self.provider,
            model=model,
            instructions="\n".join(filter(None, instructions)),
            tools=tools,
            entries=tuple(read.entries),
            choice=mode,
            allowed=allowed,
            parallel=body.get("parallel_tool_calls") is not False,
            stream=bool(body.get("stream")),
        )

    def whole(self, reply: Reply) -> dict[str, Any]:
        return write.response(reply, self._output(reply))

    def events(self, reply: Reply) -> Iterator[str]:
        return write.events(reply, self._output(reply))

    def error(self, refused: Refused) -> dict[str, Any]:
        return words.error(refused)

    def _history(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """
        All items that the model reads.
        """
        previous = body.get("previous_response_id")
        if previous is not None and previous not in self._kept.histories:
            raise invalid(
                f"Previous response with id '{previous}' not found.",
                "previous_response_id",
                "previous_response_not_found",
            )
        given = body.get("input", [])
        if isinstance(given, str):
            given = [{"role": "user", "content": given}]
        items = [*self._kept.histories.get(previous or "", ()), *typed(given, list, "input")]
        if not items:
            raise words.missing("input")
        return items

    def _output(self, reply: Reply) -> list[dict[str, Any]]:
        """
        The items of a response, which are kept if the client wants that.
        """
        items = write.output(reply)
        if items and items[0]["type"] == "reasoning":
            for each in items[1:]:
                self._kept.reasoning[each["id"]] = items[0]["id"]
        if reply.body.get("store") is not False:
            self._kept.stored.update({each["id"]: each for each in items})
            self._kept.histories[reply.reply_id] = [*self._history(reply.body), *items]
        return items


def _tools(body: Mapping[str, Any]) -> tuple[SeenTool, ...]:
    tools = []
    for at, tool in enumerate(typed(body.get("tools") or [], list, "tools")):
        where = f"tools[{at}]"
        kind = field(typed(tool, dict, where), "type", str, where)
        if kind == "custom":
            tools.append(SeenTool(field(tool, "name", str, where)))
            continue
        if kind != "function":
            raise invalid(
                f"Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.",
                f"{where}.type",
            )
        field(tool, "name", str, where)
        only(tool, TOOL_FIELDS, where)
        tools.append(check_function(tool, where, strict_unless_told=True))
    if tools:
        check_list(body["tools"])
    check_unique(tools)
    return tuple(tools)
