"""
Turns over the wire: official clients of the providers, a local server that is as strict as they
are, and a whole toolcell server.  Whole responses and streams give the same.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from asking_providers import anthropic_client, gemini_client, openai_client
from toolcell_client.loops import Approve, TurnResult
from toolcell_client.testing.providers import Calls, ProviderServer, Says, Then
from turn_place import TurnPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_client import Client
    from toolcell_client.testing.providers import Turn, View

    Say = Callable[..., Any]

CALLS: tuple[Any, ...] = (
    ("rows", {"count": 1}),
    ("fails", {"row": 7}),
    ("mail", {"to": "bob"}),
    ("nix", {}),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnPlace]:
    place = TurnPlace(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


@contextlib.contextmanager
def chat_asks(server: ProviderServer) -> Iterator[Say]:
    with openai_client(server) as client:
        yield lambda messages, tools, **more: client.chat.completions.create(
            model="gpt-5", messages=messages, tools=tools, **more
        )


@contextlib.contextmanager
def responses_asks(server: ProviderServer) -> Iterator[Say]:
    with openai_client(server) as client:
        yield lambda messages, tools, **more: client.responses.create(
            model="gpt-5", input=messages, tools=tools, store=False, **more
        )


@contextlib.contextmanager
def anthropic_asks(server: ProviderServer) -> Iterator[Say]:
    with anthropic_client(server) as client:
        yield lambda messages, tools, **more: client.messages.create(
            model="claude", max_tokens=1000, messages=messages, tools=tools, **more
        )


@contextlib.contextmanager
def gemini_asks(server: ProviderServer) -> Iterator[Say]:
    with gemini_client(server) as client:

        def ask(messages: list[Any], tools: list[Any], *, stream: bool = False) -> Any:
            models: Any = client.models
            asked = models.generate_content_stream if stream else models.generate_content
            return asked(model="gemini-3-pro", contents=messages, config={"tools": tools})

        yield ask


PROVIDERS = {
    "openai": chat_asks,
    "openai-responses": responses_asks,
    "anthropic": anthropic_asks,
    "gemini": gemini_asks,
}


def user(provider: str, text: str) -> dict[str, Any]:
    if provider == "gemini":
        return {"role": "user", "parts": [{"text": text}]}
    return {"role": "user", "content": text}


def told(view: View) -> Turn:
    """
    Says what the model was told, so that the test sees it as the model does.
    """
    return Says(" | ".join(each.text for each in view.results))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_a_turn_is_answered_as_the_provider_takes_it(
    provider: str, stream: bool, place: TurnPlace
) -> None:
    """
    Parallel calls: one works, one fails, one needs a yes, one names no tool.
    """
    with (
        ProviderServer() as server,
        place.client("alice") as client,
        PROVIDERS[provider](server) as ask,
    ):
        server.script([Calls(*CALLS), Then(told)])
        toolset = client.toolset("rows", "fails", "mail")
        tools = toolset.definitions(provider)
        messages = [user(provider, "Go.")]

        def turn(**options: Any) -> TurnResult:
            response = ask(messages, tools, **({"stream": True} if stream else {}))
            return executed(client, provider, response, stream=stream, toolset=toolset, **options)

        done = turn(approve=lambda _: Approve())
        messages += [*done.turn.messages, *done.messages]
        last = turn()
    assert [each.failed for each in done.answers] == [False, True, False, True]
    for words in ("row 0", "no row 7", "sent to bob", "No tool is called"):
        assert words in last.turn.text
    assert last.turn.calls == ()


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_a_call_that_waits_is_answered_meanwhile_and_told_later(
    provider: str, place: TurnPlace
) -> None:
    with (
        ProviderServer() as server,
        place.client("alice") as client,
        PROVIDERS[provider](server) as ask,
    ):
        server.script([Calls(CALLS[0], CALLS[2]), Says("It waits."), Then(last_words)])
        toolset = client.toolset("rows", "mail")
        tools = toolset.definitions(provider)
        messages = [user(provider, "Go.")]
        waits = client.run_tool_calls(provider, ask(messages, tools), toolset=toolset)
        messages += [*waits.turn.messages, *waits.messages_meanwhile]
        said = client.run_tool_calls(provider, ask(messages, tools), toolset=toolset)
        messages += said.turn.messages
        done = client.resume_tool_calls(waits, Approve())
        messages += done.news(waits)
        last = client.run_tool_calls(provider, ask(messages, tools), toolset=toolset)
    assert "sent to bob" in last.turn.text


def last_words(view: View) -> Turn:
    return Says(view.user_text)


def executed(
    client: Client, provider: str, response: Any, *, stream: bool, **options: Any
) -> TurnResult:
    done: TurnResult
    if stream:
        done = client.run_tool_calls(provider, response, stream=True, **options).until_ended()
    else:
        done = client.run_tool_calls(provider, response, **options)
    return done
