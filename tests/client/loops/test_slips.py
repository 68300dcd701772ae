"""
Slips of a program around a loop: what was given, and the remedy in the error.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from toolcell_client import AsyncClient, AsyncConversation, Budget, Client, Conversation
from toolcell_client.formats.providers import format_of
from toolcell_client.formats.toolset import Toolset

CHAT: Any = {
    "choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]
}
CLAUDE: Any = {"role": "assistant", "stop_reason": "end_turn", "content": []}


@pytest.fixture
def client() -> Any:
    with Client("127.0.0.1:1") as made:
        yield made


async def _response() -> Any:
    return CHAT


@pytest.mark.parametrize(
    ("provider", "response", "remedy"),
    [
        ("anthropic", CHAT, "looks like one of openai"),
        ("gemini", CHAT, "looks like one of openai"),
        ("openai-responses", CHAT, "looks like one of openai"),
        ("openai", CLAUDE, "looks like one of anthropic"),
        ("openai", CHAT["choices"][0], "give the whole response"),
        ("openai", CHAT["choices"][0]["message"], "give the whole response"),
        ("openai", [], "give the whole response"),
        ("openai", iter([CHAT]), "stream=True"),
        ("openai", {}, "no message in its first choice$"),
    ],
)
def test_what_is_no_response_says_what_to_do(provider: str, response: Any, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        format_of(provider).turn(response)


def test_what_was_not_awaited() -> None:
    asked = _response()
    with pytest.raises(ValueError, match="coroutine; await it first"):
        format_of("openai").turn(asked)
    asked.close()


@pytest.mark.parametrize(
    ("options", "error", "remedy"),
    [
        ({"budget": 5}, TypeError, r"Budget\(steps="),
        ({"tools": "calculate"}, TypeError, "a list of names"),
        ({"provider": None}, ValueError, "Give provider="),
    ],
)
def test_options_of_a_conversation(
    client: Client, options: dict[str, Any], error: type[Exception], remedy: str
) -> None:
    with pytest.raises(error, match=remedy):
        Conversation(client, dict, **{"provider": "openai", "model_name": "any", **options})


def test_clients_of_the_other_kind(client: Client) -> None:
    asyncio.run(_clients_of_the_other_kind(client))


async def _clients_of_the_other_kind(client: Client) -> None:
    with pytest.raises(TypeError, match="with a Client use Conversation"):
        AsyncConversation(client, dict, provider="openai")
    async with AsyncClient("127.0.0.1:1") as other:
        with pytest.raises(TypeError, match="use AsyncConversation"):
            Conversation(other, dict, provider="openai", budget=Budget())
        assert AsyncConversation(other, dict, provider="openai")


def test_a_client_of_an_sdk_wants_the_name_of_a_model(client: Client) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(api_key="none") as model:
        with pytest.raises(ValueError, match="model_name="):
            Conversation(client, model)
        assert Conversation(client, model, extra={"model": "any"})


def test_options_of_a_turn(client: Client) -> None:
    with pytest.raises(ValueError, match="leave out stream=True"):
        client.run_tool_calls("openai", CHAT, stream=True, toolset=Toolset([]))
    with pytest.raises(TypeError, match=r"what client\.toolset"):
        client.run_tool_calls("openai", CHAT, toolset=["calculate"])  # type: ignore[call-overload]
