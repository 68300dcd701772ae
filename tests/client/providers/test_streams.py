"""
Streams and asynchronous clients of the providers' packages.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from asking_providers import (
    anthropic_client,
    anthropic_tools,
    chat_tools,
    flat_tools,
    gemini_client,
    gemini_tools,
    openai_client,
)
from google import genai
from google.genai import types
from toolcell_client.testing.providers import Calls

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer

USER: Any = {"role": "user", "content": "hello"}
BOTH = Calls(("add", {"a": 1, "b": 2}), ("multiply", {"a": 3, "b": 4}), text="Both at once.")
CALLS = [("add", {"a": 1, "b": 2}), ("multiply", {"a": 3, "b": 4})]


def test_a_stream_of_chat_completions(provider: ProviderServer) -> None:
    provider.script([BOTH])
    with (
        openai_client(provider) as client,
        client.chat.completions.stream(
            model="gpt-5",
            messages=[USER],
            tools=chat_tools(strict=True),
            stream_options={"include_usage": True},
        ) as stream,
    ):
        said = stream.get_final_completion()
    message = said.choices[0].message

    assert "Both at once." == message.content
    assert CALLS == [
        (each.function.name, each.function.parsed_arguments) for each in message.tool_calls or ()
    ]
    assert said.usage


def test_a_stream_of_responses(provider: ProviderServer) -> None:
    provider.script([BOTH])
    with (
        openai_client(provider) as client,
        client.responses.stream(
            model="gpt-5", input="hello", tools=flat_tools(strict=True)
        ) as stream,
    ):
        said = stream.get_final_response()

    assert "Both at once." == said.output_text
    assert CALLS == [
        (each.name, each.parsed_arguments) for each in said.output if each.type == "function_call"
    ]


def test_a_stream_of_messages(provider: ProviderServer) -> None:
    provider.script([BOTH])
    with (
        anthropic_client(provider) as client,
        client.messages.stream(
            model="claude", max_tokens=9, messages=[USER], tools=anthropic_tools()
        ) as stream,
    ):
        text = "".join(stream.text_stream)
        said = stream.get_final_message()

    assert "Both at once." == text
    assert CALLS == [(each.name, each.input) for each in said.content if each.type == "tool_use"]
    assert "tool_use" == said.stop_reason


def test_a_stream_of_contents(provider: ProviderServer) -> None:
    provider.script([BOTH])
    config: Any = {"tools": gemini_tools(), "automatic_function_calling": {"disable": True}}
    with gemini_client(provider) as client:
        chunks = list(
            client.models.generate_content_stream(
                model="gemini-3-pro", contents="hello", config=config
            )
        )
    calls = [each for chunk in chunks for each in chunk.function_calls or ()]

    assert CALLS == [(each.name, each.args) for each in calls]
    assert types.FinishReason.STOP == (chunks[-1].candidates or [])[0].finish_reason


async def all_at_once(provider: ProviderServer) -> list[list[Any]]:
    """
    Every asynchronous client, at the same time.
    """
    config: Any = {"tools": gemini_tools(), "automatic_function_calling": {"disable": True}}
    options = types.HttpOptions(base_url=provider.gemini_base_url)
    chat = openai.AsyncOpenAI(api_key="key", base_url=provider.openai_base_url)
    claude = anthropic.AsyncAnthropic(api_key="key", base_url=provider.anthropic_base_url)
    gemini = genai.Client(api_key="key", http_options=options)
    async with chat, claude, gemini.aio as google, chat.realtime.connect(model="m") as realtime:
        await realtime.session.update(session={"type": "realtime", "tools": flat_tools()})
        await realtime.response.create()
        spoken: list[Any] = []
        completion, response, message, content = await asyncio.gather(
            chat.chat.completions.create(model="m", messages=[USER], tools=chat_tools()),
            chat.responses.create(model="m", input="hello", tools=flat_tools(strict=True)),
            claude.messages.create(
                model="m", max_tokens=9, messages=[USER], tools=anthropic_tools()
            ),
            google.models.generate_content(model="m", contents="hello", config=config),
        )
        async for event in realtime:
            if event.type == "response.done":
                spoken = event.response.output or []
                break
    called: list[Any] = [each.function for each in completion.choices[0].message.tool_calls or ()]  # type: ignore[union-attr]  # no custom tools here
    return [
        [each.name for each in called],
        [each.name for each in response.output if each.type == "function_call"],
        [each.name for each in message.content if each.type == "tool_use"],
        [each.name for each in content.function_calls or ()],
        [each.name for each in spoken if each.type == "function_call"],
    ]


# google-genai's own, about aiohttp.
@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
def test_asynchronous_clients(provider: ProviderServer) -> None:
    provider.script([BOTH] * 5)

    assert [["add", "multiply"]] * 5 == asyncio.run(all_at_once(provider))
