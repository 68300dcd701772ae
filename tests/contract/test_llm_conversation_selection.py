"""
A model that is offered a few of several hundred registered tools.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from asking_models import PROVIDERS, async_model, model
from finding import manifests
from running_server import Server, start_server
from toolcell_client import AsyncClient, AsyncConversation, Client, Conversation, Selection
from toolcell_client.loops.entries import CallAnswered
from toolcell_client.testing.providers import Calls, ProviderServer, Says, Then

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing.providers import View

SPARE = 250
MAIL = "Write an e-mail to my boss."
CALENDAR = "What's on my calendar next week?"


def bundle() -> str:
    """
    The tools that the search is measured with, and many that nobody wants.
    """
    lines = ["from toolcell_worker import tool"]
    for each in manifests():
        parameters = ", ".join(f"{name}: str = ''" for name in each["parameters"]["properties"])
        lines += [
            f'@tool(effects="read_only", category={each.get("category", "")!r})',
            f"def {each['name']}({parameters}) -> str:",
            f"    {each['description']!r}",
            f"    return {each['name']!r}",
        ]
    for number in range(SPARE):
        lines += [
            '@tool(effects="read_only")',
            f"def spare_{number:03}() -> int:",
            f'    "Weighs the spare part {number}."',
            f"    return {number}",
        ]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("many")
    (folder / "tools").mkdir()
    (folder / "tools" / "many.py").write_text(bundle())
    with start_server(folder, f'[[bundles]]\nname = "many"\npath = "{folder}/tools"\n') as one:
        yield one


@pytest.fixture
def provider_server() -> Iterator[ProviderServer]:
    with ProviderServer() as one:
        yield one


def options(provider: str, **selection: Any) -> dict[str, Any]:
    select = Selection(maximum=6, always=("spare_007",), **selection)
    return {"provider": provider, "model_name": "m", "select": select}


def offers(provider_server: ProviderServer) -> list[list[str]]:
    """
    Names of the tools of each request.
    """
    return [[each.name for each in one.view.tools] for one in provider_server.requests if one.view]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_tools_that_fit_a_message_are_offered(
    provider: str, client: Client, provider_server: ProviderServer
) -> None:
    """
    Those that were used stay; the order is of names, whatever fits best.
    """
    provider_server.script([Calls(("send_email", {"to": "boss"})), Says("Sent."), Says("Nothing.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        assert talk.say(MAIL).text == "Sent."
        assert talk.say(CALENDAR).text == "Nothing."
    first, second, third = offers(provider_server)
    assert first == second == sorted(first)
    assert {"send_email", "spare_007", "find_tools"} <= set(first)
    assert {"list_calendar_events", "send_email", "spare_007"} <= set(third)
    assert all(len(each) <= 7 for each in (first, second, third))


def looks(_: View) -> Any:
    return Calls(
        ("find_tools", {"query": "schedule an event with guests"}),
        ("spare_007", {}),
    )


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic", "gemini"])
def test_a_model_finds_further_tools_by_itself(
    provider: str, client: Client, provider_server: ProviderServer
) -> None:
    wanted = "create_calendar_event"
    last = Calls((wanted, {"title": "Lunch"}))
    provider_server.script([Then(looks), last, Says("Done.")])
    with model(provider, provider_server) as asked:
        talk = Conversation(client, asked, **options(provider))
        assert talk.say("Weigh spare part 17.").text == "Done."
    first, second, third = offers(provider_server)
    assert wanted not in first
    assert wanted in second
    assert second == third
    seen = provider_server.requests[-1].view
    assert seen is not None
    found, weighed, made = seen.results
    assert wanted in [each["name"] for each in found.value["found"]]
    assert (weighed.value, made.value) == (7, wanted)
    calls = [each.tool for each in talk.transcript if isinstance(each, CallAnswered)]
    assert sorted(calls) == sorted(["find_tools", "spare_007", wanted])


def test_definitions_take_no_more_tokens_than_allowed(
    client: Client, provider_server: ProviderServer
) -> None:
    provider_server.script([Says("Hm."), Says("Hm.")])
    with model("openai", provider_server) as asked:
        Conversation(client, asked, **options("openai")).say(MAIL)
        few = Conversation(client, asked, **options("openai", maximum_tokens=150, search=False))
        few.say(MAIL)
    many, bounded = offers(provider_server)
    assert len(bounded) < len(many)
    assert "spare_007" in bounded
    assert "find_tools" not in bounded


def test_a_search_that_finds_nothing_says_so(
    client: Client, provider_server: ProviderServer
) -> None:
    queries = [{"query": "xyzzy"}, {"query": " "}, {}]
    provider_server.script([*(Calls(("find_tools", each)) for each in queries), Says("No.")])
    with model("anthropic", provider_server) as asked:
        talk = Conversation(client, asked, **options("anthropic"))
        assert talk.say("Frobnicate.").text == "No."
    seen = provider_server.requests[-1].view
    assert seen is not None
    assert seen.results[0].value["found"] == []
    assert seen.results[1].failed


def test_the_same_awaited(server: Server, provider_server: ProviderServer) -> None:
    provider_server.script([Then(looks), Calls(("create_calendar_event", {})), Says("Done.")])

    async def scenario() -> str:
        asking = async_model("openai", provider_server)
        async with AsyncClient(server.target) as client, asking as asked:
            talk = AsyncConversation(client, asked, **options("openai"))
            return (await talk.stream("Weigh spare part 17.").reply()).text

    assert asyncio.run(scenario()) == "Done."
