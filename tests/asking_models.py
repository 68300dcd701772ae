"""
Models of every provider at the local provider server: clients of their SDKs, and a plain callable
for the legacy functions; synchronous and not.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import anthropic
import google.genai
import httpx
import openai

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from toolcell_client.testing.providers import ProviderServer

PROVIDERS = ("openai", "openai-responses", "anthropic", "gemini", "openai-functions")
KEY = "any"


class Plain:
    """
    A program's own function around HTTP: takes the request, returns the response or its events.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url}/chat/completions"

    def __call__(self, request: dict[str, Any]) -> Any:
        headers = {"authorization": f"Bearer {KEY}"}
        answer = httpx.post(self._url, json=request, headers=headers, timeout=30)
        answer.raise_for_status()
        if not request.get("stream"):
            return answer.json()
        lines = (line.removeprefix("data: ") for line in answer.text.splitlines() if line)
        return (json.loads(line) for line in lines if line != "[DONE]")


class AsyncPlain(Plain):
    """
    The same, awaited.
    """

    async def __call__(self, request: dict[str, Any]) -> Any:
        return super().__call__(request)


@contextlib.contextmanager
def model(provider: str, server: ProviderServer) -> Iterator[Any]:
    """
    Something to give to `Conversation`.
    """
    if provider == "openai-functions":
        yield Plain(server.openai_base_url)
    elif provider == "anthropic":
        with anthropic.Anthropic(
            base_url=server.anthropic_base_url, api_key=KEY, max_retries=0
        ) as client:
            yield client
    elif provider == "gemini":
        with google.genai.Client(
            api_key=KEY, http_options={"base_url": server.gemini_base_url}
        ) as gemini:
            yield gemini
    else:
        with openai.OpenAI(base_url=server.openai_base_url, api_key=KEY, max_retries=0) as chat:
            yield chat


@contextlib.asynccontextmanager
async def async_model(provider: str, server: ProviderServer) -> AsyncIterator[Any]:
    """
    Something to give to `AsyncConversation`.
    """
    if provider == "openai-functions":
        yield AsyncPlain(server.openai_base_url)
    elif provider == "anthropic":
        async with anthropic.AsyncAnthropic(
            base_url=server.anthropic_base_url, api_key=KEY, max_retries=0
        ) as client:
            yield client
    elif provider == "gemini":
        # With a transport it asks by httpx; aiohttp would warn of what the SDK makes of it.
        by_httpx = {"transport": httpx.AsyncHTTPTransport()}
        with google.genai.Client(
            api_key=KEY,
            http_options={"base_url": server.gemini_base_url, "async_client_args": by_httpx},
        ) as gemini:
            async with gemini.aio as asynchronous:
                yield asynchronous
    else:
        async with openai.AsyncOpenAI(
            base_url=server.openai_base_url, api_key=KEY, max_retries=0
        ) as chat:
            yield chat
