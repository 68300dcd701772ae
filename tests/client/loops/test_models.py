"""
Whom a conversation can be had with, and what is asked of them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anthropic
import google.genai
import openai
import pytest
from scripted_models import ScriptedModel, says
from toolcell_client import AsyncClient, AsyncConversation, Client, Conversation
from toolcell_client.formats.offered import OfferedTool
from toolcell_client.formats.toolset import Toolset
from toolcell_client.loops.models import comes_whole, model_of
from toolcell_client.loops.requesting import Request, checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing import FakeServer

TOOLS = Toolset([OfferedTool(name="look", parameters={"type": "object"})])


def nothing(_: Any) -> dict[str, Any]:
    return {}


AZURE = openai.AzureOpenAI(api_key="k", azure_endpoint="https://x", api_version="1")
SDKS = [
    (lambda: openai.OpenAI(api_key="k"), False, "openai", "openai"),
    (lambda: openai.OpenAI(api_key="k"), False, "openai-responses", "openai-responses"),
    (lambda: openai.AsyncOpenAI(api_key="k"), True, None, "openai"),
    (lambda: AZURE, False, None, "openai"),
    (lambda: anthropic.Anthropic(api_key="k"), False, None, "anthropic"),
    (lambda: anthropic.AsyncAnthropic(api_key="k"), True, None, "anthropic"),
    (lambda: google.genai.Client(api_key="k"), False, None, "gemini"),
    (lambda: google.genai.Client(api_key="k"), True, None, "gemini"),
]


@pytest.mark.parametrize(("make", "asynchronous", "asked", "provider"), SDKS)
def test_clients_of_sdks_are_known(
    make: Any, asynchronous: bool, asked: str | None, provider: str
) -> None:
    assert model_of(make(), asked, asynchronous=asynchronous).provider == provider


WRONG = {
    "another provider": (openai.OpenAI(api_key="k"), "anthropic", False, "speaks openai"),
    "asynchronous in a synchronous one": (openai.AsyncOpenAI(api_key="k"), None, False, "Async"),
    "synchronous in an asynchronous one": (openai.OpenAI(api_key="k"), None, True, "block"),
    "no provider": (nothing, None, False, "provider="),
    "an unknown provider": (nothing, "opemai", False, "opemai"),
    "a provider that is spoken with": (nothing, "openai-realtime", False, "voice"),
}


@pytest.mark.parametrize(
    ("model", "provider", "asynchronous", "says_so"), WRONG.values(), ids=WRONG
)
def test_a_wrong_model_is_refused_at_once(
    model: Any, provider: str | None, asynchronous: bool, says_so: str
) -> None:
    with pytest.raises(ValueError, match=says_so):
        model_of(model, provider, asynchronous=asynchronous)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="this is a str"):
        model_of("gpt", "openai", asynchronous=False)


def test_no_sdk_is_imported() -> None:
    program = (
        "import sys\nfrom toolcell_client import Conversation, Client\n"
        "Conversation(Client(), print, provider='openai')\n"
        "print([n for n in ('openai', 'anthropic', 'google.genai', 'genai_prices',"
        " 'prometheus_client') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def fields(provider: str, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "provider": provider,
        "model_name": "m",
        "instructions": "Be brief.",
        "history": [{"role": "user", "content": "Hi."}],
        "definitions": TOOLS.definitions(provider),
    }
    return Request(**(given | changes)).fields()


def test_instructions_are_where_the_provider_wants_them() -> None:
    assert fields("openai")["messages"][0] == {"role": "system", "content": "Be brief."}
    assert fields("openai-responses")["instructions"] == "Be brief."
    assert fields("anthropic")["system"] == "Be brief."
    assert fields("gemini")["systemInstruction"] == {"parts": [{"text": "Be brief."}]}


def test_a_limit_that_anthropic_wants_is_there_and_can_be_changed() -> None:
    assert fields("anthropic")["max_tokens"] == 4096
    assert fields("anthropic", extra={"max_tokens": 9})["max_tokens"] == 9


def test_without_tools_nothing_is_said_of_them() -> None:
    """
    `parallel_tool_calls` without tools is an error of OpenAI's.
    """
    asked = fields("openai", definitions=[], parallel=False)
    assert set(asked) == {"model", "messages"}


@pytest.mark.parametrize(
    ("provider", "field", "value"),
    [
        ("openai", "parallel_tool_calls", False),
        ("openai-responses", "parallel_tool_calls", False),
        ("anthropic", "tool_choice", {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
def test_no_parallel_calls_are_asked_for_where_that_can_be(
    provider: str, field: str, value: Any
) -> None:
    assert fields(provider, parallel=False)[field] == value


@pytest.mark.parametrize("provider", ["gemini", "openai-functions"])
def test_where_it_cannot_be_nothing_is_asked(provider: str) -> None:
    assert checked(provider)
    assert fields(provider, parallel=False)


def test_gemini_is_asked_in_the_words_of_its_sdk() -> None:
    asked: dict[str, Any] = {}

    class Models:
        def generate_content(self, **given: Any) -> str:
            asked.update(given)
            return "said"

    class Client(google.genai.Client):
        def __init__(self) -> None:
            pass

        models = Models()  # type: ignore[assignment]

        def close(self) -> None:
            pass

    extra = {"generationConfig": {"temperature": 0}, "config": {"seed": 1}}
    model = model_of(Client(), None, asynchronous=False)
    assert model.ask(fields("gemini", extra=extra), 2.5) == "said"
    config = asked.pop("config")
    assert set(asked) == {"model", "contents"}
    assert (config["temperature"], config["seed"]) == (0, 1)
    assert config["http_options"] == {"timeout": 2500}
    google.genai.types.GenerateContentConfig.model_validate(config)


def test_a_callable_streams_where_it_says_so(client: Client) -> None:
    class Model:
        def __call__(self, request: dict[str, Any]) -> Any:
            raise AssertionError(request)

        def stream(self, request: dict[str, Any]) -> Iterator[Any]:
            assert request["stream"] is True
            for piece in ("I ", "see."):
                yield {"choices": [{"index": 0, "delta": {"content": piece}}]}
            yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    talk = Conversation(client, Model(), provider="openai", tools=TOOLS)
    assert talk.stream("Hi.").reply.text == "I see."


def test_a_whole_response_will_do_for_a_stream(client: Client) -> None:
    talk = Conversation(client, ScriptedModel(says("Hi.")), provider="openai", tools=TOOLS)
    assert talk.stream("Hi.").reply.text == "Hi."
    assert comes_whole({})
    assert not comes_whole(iter(()))


def test_an_asynchronous_callable_is_awaited(server: FakeServer) -> None:
    async def model(request: dict[str, Any]) -> dict[str, Any]:
        return says(json.dumps(request["messages"][-1]["content"]))

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            talk = AsyncConversation(client, model, provider="openai", tools=TOOLS)
            assert (await talk.say("Hi.")).text == '"Hi."'
            assert (await talk.stream("You.").reply()).text == '"You."'

    asyncio.run(scenario())
