"""
Asks models through the providers' own packages: one scenario for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import anthropic
import openai
from google import genai
from google.genai import types

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
NAMES = ("add", "multiply")
# What a tool answers, by its name and arguments.
Run = Callable[[str, dict[str, Any]], str]
# Asks, answers calls until there are none, and returns what the model said last.
Ask = Callable[["ProviderServer", str, Run], str]


def openai_client(server: ProviderServer, key: str = "key", retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(api_key=key, max_retries=retries, base_url=server.openai_base_url)


def anthropic_client(
    server: ProviderServer, key: str = "key", retries: int = 0
) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=key, max_retries=retries, base_url=server.anthropic_base_url)


def gemini_client(server: ProviderServer, key: str = "key") -> genai.Client:
    return genai.Client(
        api_key=key, http_options=types.HttpOptions(base_url=server.gemini_base_url)
    )


def chat_tools(names: Sequence[str] = NAMES, **more: Any) -> list[Any]:
    return [
        {"type": "function", "function": {"name": name, "parameters": SCHEMA, **more}}
        for name in names
    ]


def flat_tools(names: Sequence[str] = NAMES, **more: Any) -> list[Any]:
    return [{"type": "function", "name": name, "parameters": SCHEMA, **more} for name in names]


def anthropic_tools(names: Sequence[str] = NAMES, **more: Any) -> list[Any]:
    return [{"name": name, "input_schema": SCHEMA, **more} for name in names]


def gemini_tools(names: Sequence[str] = NAMES) -> list[Any]:
    declared = [{"name": name, "parametersJsonSchema": SCHEMA} for name in names]
    return [{"functionDeclarations": declared}]


def ask_chat(server: ProviderServer, text: str, run: Run) -> str:
    messages: list[Any] = [{"role": "user", "content": text}]
    with openai_client(server) as client:
        while True:
            said = client.chat.completions.create(
                model="gpt-5", messages=messages, tools=chat_tools(strict=True)
            )
            message = said.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message)
            for call in message.tool_calls:
                assert call.type == "function"
                told = run(call.function.name, json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": told})


def ask_functions(server: ProviderServer, text: str, run: Run) -> str:
    messages: list[Any] = [{"role": "user", "content": text}]
    functions: list[Any] = [{"name": name, "parameters": SCHEMA} for name in NAMES]
    with openai_client(server) as client:
        while True:
            said = client.chat.completions.create(
                model="gpt-4", messages=messages, functions=functions
            )
            message = said.choices[0].message
            if not message.function_call:
                return message.content or ""
            name = message.function_call.name
            told = run(name, json.loads(message.function_call.arguments))
            messages += [message, {"role": "function", "name": name, "content": told}]


def ask_responses(server: ProviderServer, text: str, run: Run) -> str:
    items: list[Any] = [{"role": "user", "content": text}]
    with openai_client(server) as client:
        while True:
            said = client.responses.create(
                model="gpt-5", input=items, tools=flat_tools(strict=True)
            )
            items += said.output
            calls = [each for each in said.output if each.type == "function_call"]
            if not calls:
                return said.output_text
            for call in calls:
                told = run(call.name, json.loads(call.arguments))
                output = {"type": "function_call_output", "call_id": call.call_id, "output": told}
                items.append(output)


def ask_anthropic(server: ProviderServer, text: str, run: Run) -> str:
    messages: list[Any] = [{"role": "user", "content": text}]
    with anthropic_client(server) as client:
        while True:
            said = client.messages.create(
                model="claude", max_tokens=99, messages=messages, tools=anthropic_tools()
            )
            results = [
                {
                    "type": "tool_result",
                    "tool_use_id": each.id,
                    "content": run(each.name, each.input),
                }
                for each in said.content
                if each.type == "tool_use"
            ]
            if not results:
                return "".join(each.text for each in said.content if each.type == "text")
            messages += [said.to_param(), {"role": "user", "content": results}]


def ask_gemini(server: ProviderServer, text: str, run: Run) -> str:
    contents: list[Any] = [types.Content(role="user", parts=[types.Part(text=text)])]
    config: Any = {"tools": gemini_tools(), "automatic_function_calling": {"disable": True}}
    with gemini_client(server) as client:
        while True:
            said = client.models.generate_content(
                model="gemini-3-pro", contents=contents, config=config
            )
            assert said.candidates
            if not said.function_calls:
                return said.text or ""
            parts = [
                types.Part.from_function_response(
                    name=call.name or "",
                    response={"output": run(call.name or "", call.args or {})},
                )
                for call in said.function_calls
            ]
            contents += [said.candidates[0].content, types.Content(role="user", parts=parts)]


def ask_realtime(server: ProviderServer, text: str, run: Run) -> str:
    with openai_client(server).realtime.connect(model="gpt-realtime") as connection:
        session: Any = {"type": "realtime", "output_modalities": ["text"], "tools": flat_tools()}
        connection.session.update(session=session)
        part: Any = {"type": "input_text", "text": text}
        connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [part]}
        )
        while True:
            connection.response.create()
            output: list[Any] = []
            for event in connection:
                assert event.type != "error", event
                if event.type == "response.done":
                    output = event.response.output or []
                    break
            calls = [each for each in output if each.type == "function_call"]
            if not calls:
                return "".join(part.text or "" for each in output for part in each.content)
            for call in calls:
                told = run(call.name, json.loads(call.arguments))
                connection.conversation.item.create(
                    item={"type": "function_call_output", "call_id": call.call_id, "output": told}
                )


ASK: dict[str, Ask] = {
    "openai": ask_chat,
    "openai-functions": ask_functions,
    "openai-responses": ask_responses,
    "openai-realtime": ask_realtime,
    "anthropic": ask_anthropic,
    "gemini": ask_gemini,
}
