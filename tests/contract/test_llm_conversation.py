"""
Conversations of every provider's own client, at the local provider server, with a real service:
parallel calls, one that fails, one that a person has to say yes to.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from asking_models import PROVIDERS, async_model, model
from conversed_tools import serve
from toolcell_client import AsyncClient, AsyncConversation, Client, Conversation
from toolcell_client.loops.entries import CallAnswered
from toolcell_client.loops.events import Answered, ExecutionEvent, TextDelta
from toolcell_client.loops.reply import Replied
from toolcell_client.testing.providers import Calls, ProviderServer, Says, Then

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server
    from toolcell_client.loops.conversed import Conversed
    from toolcell_client.testing.providers.turns import Step

SUM, HALF, MAIL = ("add", {"a": 1, "b": 2}), ("divide", {"a": 1, "b": 0}), ("mail", {"to": "bob"})
# What a reasoning model keeps to itself goes back where the provider wants it.
THOUGHT = Calls(SUM, HALF, text="Let me see.", thought="One, and two.")
TOOLS = ["add", "divide", "mail", "recite"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("conversed")) as one:
        yield one


@pytest.fixture
def provider_server() -> Iterator[ProviderServer]:
    with ProviderServer() as one:
        yield one


def script(provider: str) -> list[Step]:
    """
    Three calls: two at once, where the provider can, then one that needs a yes.
    """
    first = [Calls(SUM), Calls(HALF)] if provider == "openai-functions" else [THOUGHT]
    return [*first, Calls(MAIL), Says("It is 3."), Says("You are welcome.")]


def options(provider: str) -> dict[str, Any]:
    return {
        "provider": provider,
        "model_name": "m",
        "instructions": "Be brief.",
        "tools": TOOLS,
        "labels": {"test": "conversation"},
    }


def judge(talk: Conversed, asked: ProviderServer) -> None:
    """
    What the model has seen, and what was written down.
    """
    seen = asked.requests[-2].view
    assert seen is not None
    assert seen.instructions == "Be brief."
    values = [each.value for each in seen.results]
    assert [values[0], values[1]["message"], values[2]] == [3, "b is zero", "sent to bob"]
    calls = [each for each in talk.transcript if isinstance(each, CallAnswered)]
    assert [each.outcome for each in calls] == ["completed", "failed", "completed"]
    assert all(each.execution_id for each in calls)
    assert talk.usage.tokens.output > 0
    assert all(not each.refused for each in asked.requests)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_conversation_of_many_turns(
    provider: str, client: Client, provider_server: ProviderServer
) -> None:
    provider_server.script(script(provider))
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        reply = talk.say("What is one and two?")
        assert (reply.stop_reason, [each.call.tool for each in reply.pending]) == (
            "pending",
            ["mail"],
        )
        reply = talk.resume(True)
        assert (reply.text, reply.stop_reason) == ("It is 3.", "end")
        assert talk.say("Thanks.").text == "You are welcome."
    judge(talk, provider_server)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_streamed(provider: str, client: Client, provider_server: ProviderServer) -> None:
    provider_server.script(script(provider))
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        events = list(talk.stream("What is one and two?"))
        assert isinstance(events[-1], Replied)
        assert {ExecutionEvent, Answered} <= {type(each) for each in events}
        events = list(talk.stream_resume({reply.key: True for reply in events[-1].reply.pending}))
        said = "".join(each.text for each in events if isinstance(each, TextDelta))
        assert said == "It is 3."
        assert talk.stream("Thanks.").reply.text == "You are welcome."
    judge(talk, provider_server)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_awaited(provider: str, server: Server, provider_server: ProviderServer) -> None:
    async def scenario() -> AsyncConversation:
        provider_server.script(script(provider))
        async with (
            AsyncClient(server.target) as client,
            async_model(provider, provider_server) as it,
        ):
            talk = AsyncConversation(client, it, **options(provider))
            reply = await talk.say("What is one and two?")
            assert reply.stop_reason == "pending"
            reply = await talk.resume(True)
            assert (reply.text, reply.stop_reason) == ("It is 3.", "end")
            assert (await talk.say("Thanks.")).text == "You are welcome."
        return talk

    judge(asyncio.run(scenario()), provider_server)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_awaited_and_streamed(
    provider: str, server: Server, provider_server: ProviderServer
) -> None:
    async def scenario() -> AsyncConversation:
        provider_server.script(script(provider))
        async with (
            AsyncClient(server.target) as client,
            async_model(provider, provider_server) as it,
        ):
            talk = AsyncConversation(client, it, **options(provider))
            events = [each async for each in talk.stream("What is one and two?")]
            assert isinstance(events[-1], Replied)
            assert {ExecutionEvent, Answered} <= {type(each) for each in events}
            assert (await talk.stream_resume(True).reply()).text == "It is 3."
            assert (await talk.stream("Thanks.").reply()).text == "You are welcome."
        return talk

    judge(asyncio.run(scenario()), provider_server)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("said", [True, False])
def test_a_conversation_outlives_its_program_while_a_call_waits(
    provider: str, said: bool, client: Client, provider_server: ProviderServer
) -> None:
    """
    No token is saved; the service is asked anew, and what was denied never is.
    """
    provider_server.script(script(provider))
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        assert talk.say("What is one and two?").stop_reason == "pending"
        opened = talk.dialogue.open
        assert opened is not None
        held = [each for state, _ in opened.runs for each in state.result().pending]
        saved = json.dumps(talk.save())
        assert held[0].token
        assert held[0].token not in saved
        again = Conversation.restore(json.loads(saved), client, asked, **options(provider))
        assert [each.call.tool for each in again.pending] == ["mail"]
        before = len(list(client.approvals.list()))
        reply = again.resume(said)
        assert len(list(client.approvals.list())) == before + said
    assert (reply.text, reply.stop_reason) == ("It is 3.", "end")
    seen = provider_server.requests[-1].view
    assert seen is not None
    told = seen.results[2].value
    assert told == "sent to bob" if said else told["error"] == "approval_denied"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_long_result_is_cut_and_the_rest_can_be_read(
    provider: str, client: Client, provider_server: ProviderServer
) -> None:
    def reads(view: Any) -> Any:
        [handle] = set(re.findall(r"r-[0-9a-f]+", view.results[0].text))
        return Calls(("read_result", {"handle": handle, "path": "/1234"}))

    provider_server.script([Calls(("recite", {})), Then(reads), Says("I see.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        assert talk.say("Recite.").text == "I see."
    seen = provider_server.requests[-1].view
    assert seen is not None
    assert len(seen.results[0].text) < 20_000
    assert seen.offers("read_result")
    assert "verse 1234" in seen.results[1].text
