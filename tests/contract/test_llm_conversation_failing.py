"""
Providers that fail, at every point of a conversation: nothing is lost, nothing runs twice, and the
provider takes the history afterwards.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pytest
from asking_models import PROVIDERS, async_model, model
from conversed_tools import serve
from toolcell_client import AsyncClient, AsyncConversation, Budget, Client, Conversation
from toolcell_client.loops.entries import CallAnswered
from toolcell_client.loops.events import ExecutionEvent, TextDelta
from toolcell_client.testing.providers import Calls, Fails, ProviderServer, Says

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running_server import Server

SUM = ("add", {"a": 1, "b": 2})
BUSY = Fails(429, "slow down")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("conversed")) as one:
        yield one


@pytest.fixture
def provider_server() -> Iterator[ProviderServer]:
    with ProviderServer() as one:
        yield one


def options(provider: str, **more: Any) -> dict[str, Any]:
    return {"provider": provider, "model_name": "m", "tools": ["add", "recite"], **more}


def counted(talk: Conversation | AsyncConversation) -> int:
    return sum(isinstance(each, CallAnswered) for each in talk.transcript)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_busy_provider_is_asked_again(
    provider: str, streamed: bool, client: Client, provider_server: ProviderServer
) -> None:
    provider_server.script([BUSY, Calls(SUM), BUSY, BUSY, Says("It is 3."), Says("Yes.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))

        def said(text: str) -> str:
            return (talk.stream(text).reply if streamed else talk.say(text)).text

        with pytest.raises(Exception, match=r"429|slow down"):
            said("One and two?")
        assert talk.history == []
        with pytest.raises(Exception, match=r"429|slow down"):
            talk.retry()
        with pytest.raises(Exception, match=r"429|slow down"):
            talk.stream_retry().reply if streamed else talk.retry()
        assert talk.retry().text == "It is 3."
        assert counted(talk) == 1
        assert said("Sure?") == "Yes."
    assert all("slow down" in each.refused or not each.refused for each in provider_server.requests)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_user_may_go_on_after_results_that_nobody_answered(
    provider: str, client: Client, provider_server: ProviderServer
) -> None:
    """
    Results and a message of the user come one after the other then.
    """
    provider_server.script([Calls(SUM), BUSY, Says("It is 3.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        with pytest.raises(Exception, match=r"429|slow down"):
            talk.say("One and two?")
        assert talk.say("Well?").text == "It is 3."
    seen = provider_server.requests[-1].view
    assert seen is not None
    assert seen.user_text == "Well?"


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic", "gemini"])
def test_a_stream_that_breaks_executes_nothing(
    provider: str, client: Client, provider_server: ProviderServer
) -> None:
    """
    Nobody knows whether the call was whole.
    """
    broken = Calls(("add", {"a": 1_000_000, "b": 2_000_000}), cut_after=2, piece_characters=2)
    provider_server.script([broken, Says("Hello."), Says("Hello.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        try:
            reply = talk.stream("One and two?").reply
        except Exception:  # noqa: BLE001  # each SDK has its own, and some have none
            reply = talk.retry()
        assert reply.text in ("", "Hello.")
        assert talk.say("Hello?").text == "Hello."
    answered = [each for each in talk.transcript if isinstance(each, CallAnswered)]
    assert all(each.problem for each in answered)
    assert not any(each.execution_id for each in answered)


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic", "gemini"])
def test_a_budget_of_seconds_bounds_a_provider_that_hangs(
    provider: str, client: Client, provider_server: ProviderServer
) -> None:
    held = threading.Event()
    provider_server.script([Says("Late.", hold=held), Says("Hello.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider, budget=Budget(seconds=0.3)))
        with pytest.raises(Exception, match=r"(?i)time"):
            talk.say("Hi.")
        held.set()
        assert talk.history == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_that_is_cancelled_leaves_the_history_in_order(
    provider: str, server: Server, provider_server: ProviderServer
) -> None:
    provider_server.script([Calls(SUM), Says("It is 3."), Says("Yes.")])

    async def scenario() -> AsyncConversation:
        asking = async_model(provider, provider_server)
        async with AsyncClient(server.target) as client, asking as asked:
            talk = AsyncConversation(client, asked, **options(provider))
            async with talk.stream("One and two?") as stream:
                async for event in stream:
                    if isinstance(event, ExecutionEvent):
                        break
            assert (await talk.retry()).text == "It is 3."
            stream = talk.stream("Sure?")
            async for event in stream:
                if isinstance(event, TextDelta):
                    break
            await stream.aclose()
            return talk

    talk = asyncio.run(scenario())
    assert counted(talk) == 1


@pytest.mark.parametrize(
    ("provider", "errors"),
    [
        ("openai", (openai.APIConnectionError,)),
        ("openai-responses", (openai.APIConnectionError,)),
        ("anthropic", (anthropic.APIConnectionError,)),
        ("gemini", (httpx2.TransportError,)),
    ],
)
def test_a_provider_that_is_gone_leaves_the_history_as_it_was(
    provider: str,
    errors: tuple[type[Exception], ...],
    client: Client,
    provider_server: ProviderServer,
) -> None:
    """
    Each SDK has errors of its own for it; they pass through as they are.
    """
    provider_server.script([Calls(SUM), Says("It is 3.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        assert talk.say("One and two?").text == "It is 3."
        before = list(talk.history)
        provider_server.stop()
        asks: tuple[Callable[[], Any], ...] = (
            lambda: talk.say("And?"),
            lambda: talk.stream("And?").reply,
            talk.retry,
        )
        for said in asks:
            with pytest.raises(errors):
                said()
            assert talk.history == before
