"""
Everything that the server sends is what the packages' own types say, checked in full.

The packages themselves build their objects without checking, so their acceptance proves little.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from asking_providers import anthropic_tools, chat_tools, flat_tools, gemini_tools, openai_client
from google.genai import types
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.realtime import RealtimeServerEvent
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from toolcell_client.testing.providers import Calls, Says

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer, Turn

HEADERS = {
    "authorization": "Bearer key",
    "x-api-key": "key",
    "x-goog-api-key": "key",
    "anthropic-version": "2026-10-21",
}
TURNS: dict[str, Turn] = {
    "text": Says("Hello there, world."),
    "calls": Calls(("add", {"a": 1, "b": 2}), ("multiply", {}), text="Both.", thought="Hm."),
    "cut off": Calls(("add", '{"a": 1'), finish="length"),
    "refused": Says("No.", finish="refused"),
}
USER = [{"role": "user", "content": "hello"}]
CHAT = {"model": "m", "messages": USER, "tools": chat_tools()}
RESPONSES = {"model": "m", "input": USER, "tools": flat_tools(strict=True)}
MESSAGES = {"model": "m", "max_tokens": 9, "messages": USER, "tools": anthropic_tools()}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "tools": gemini_tools()}
CHATS = "/v1/chat/completions"
GEMINI = "/v1beta/models/gemini-3-pro"

# What the packages pass over: neither has a type.
NO_TYPES = ("data: [DONE]", 'data: {"type": "ping"}')

# By the format: where it is asked, what is asked, and the types of a response and of an event.
WIRES: dict[str, tuple[str, str, dict[str, Any], Any, Any]] = {
    "openai": (CHATS, CHATS, CHAT, ChatCompletion, ChatCompletionChunk),
    "openai-functions": (
        CHATS,
        CHATS,
        {"model": "m", "messages": USER, "functions": [{"name": "add"}, {"name": "multiply"}]},
        ChatCompletion,
        ChatCompletionChunk,
    ),
    "openai-responses": (
        "/v1/responses",
        "/v1/responses",
        RESPONSES,
        Response,
        ResponseStreamEvent,
    ),
    "anthropic": ("/v1/messages", "/v1/messages", MESSAGES, Message, RawMessageStreamEvent),
    "gemini": (
        f"{GEMINI}:generateContent",
        f"{GEMINI}:streamGenerateContent?alt=sse",
        CONTENTS,
        types.GenerateContentResponse,
        types.GenerateContentResponse,
    ),
}


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def post(server: ProviderServer, path: str, body: dict[str, Any]) -> httpx.Response:
    answer = httpx.post(f"{server.url}{path}", json=body, headers=HEADERS)
    assert 200 == answer.status_code, answer.text
    return answer


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("wire", WIRES)
def test_a_response_is_of_the_type(wire: str, turn: str, provider: ProviderServer) -> None:
    path, _, body, kind, _ = WIRES[wire]
    provider.script([TURNS[turn]])

    adapter(kind).validate_json(post(provider, path, body).content)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("wire", WIRES)
def test_events_are_of_the_types(wire: str, turn: str, provider: ProviderServer) -> None:
    _, path, body, _, kind = WIRES[wire]
    provider.script([TURNS[turn]])
    answer = post(provider, path, body if wire == "gemini" else body | {"stream": True})
    events = [
        each.removeprefix("data: ")
        for each in answer.text.splitlines()
        if each.startswith("data: ") and each not in NO_TYPES
    ]

    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert events
    for each in events:
        adapter(kind).validate_json(each)


def test_events_of_responses_are_numbered_and_named(provider: ProviderServer) -> None:
    provider.script([TURNS["calls"]])
    lines = post(provider, "/v1/responses", RESPONSES | {"stream": True}).text.splitlines()
    events = [json.loads(each[6:]) for each in lines if each.startswith("data: ")]
    names = [each[7:] for each in lines if each.startswith("event: ")]

    assert [each["type"] for each in events] == names
    assert list(range(len(events))) == [each["sequence_number"] for each in events]


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_realtime_events_are_of_the_types(modality: str, provider: ProviderServer) -> None:
    provider.script([TURNS["calls"]])
    session: Any = {"type": "realtime", "output_modalities": [modality], "tools": flat_tools()}
    kinds = []
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.session.update(session=session)
        connection.response.cancel()
        provider.wait_for(lambda: bool(provider.sessions))
        provider.wait_for(lambda: len(provider.requests) == 2)
        provider.sessions[0].hear("Both, please.")
        while "rate_limits.updated" not in kinds:
            raw = connection.recv_bytes()
            event = adapter(RealtimeServerEvent).validate_json(raw)
            kinds.append(event.type)

    assert len(set(kinds)) > 15
    assert ("response.output_audio.delta" in kinds) == (modality == "audio")
