"""
Function tools of the OpenAI Agents SDK against a whole server.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    RunState,
    set_tracing_disabled,
)
from agents.strict_schema import ensure_strict_json_schema
from framework_place import BuiltIn, built_in, nothing_runs, running, secret
from scripted_agents import ScriptedModel, called, says
from toolcell_client import AsyncClient, Client
from toolcell_client.formats import OfferedTool
from toolcell_client.frameworks.openai_agents import async_tools, tools
from toolcell_client.loops.approving import Deny
from toolcell_client.testing.providers import Calls, ProviderServer, Then
from toolcell_client.testing.providers import Says as SaysIt
from turn_place import TurnPlace
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET = RunConfig(tracing_disabled=True)


@pytest.fixture(scope="module", autouse=True)
def _untraced() -> None:
    set_tracing_disabled(disabled=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltIn]:
    built = built_in(tmp_path_factory.mktemp("built"))
    with built.server:
        yield built


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnPlace]:
    place = TurnPlace(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


@pytest.fixture
def alice(place: TurnPlace) -> Iterator[Client]:
    with place.client("alice") as client:
        yield client


def run(model: Any, made: list[Any], said: Any = "Go.") -> Any:
    agent: Agent[Any] = Agent(name="helper", model=model, tools=made)
    return asyncio.run(Runner.run(agent, said, run_config=QUIET))


def every(built: BuiltIn) -> list[Any]:
    return [called(name, name, arguments) for name, (arguments, _) in built.calls.items()]


def test_every_built_in_tool(built: BuiltIn) -> None:
    model = ScriptedModel(every(built), [says("Done.")])
    with Client(built.server.target) as client:
        made = tools(client)
        assert {each.name for each in made} == set(built.calls)
        assert run(model, made).final_output == "Done."
    for name, (_, words) in built.calls.items():
        assert words in model.outputs[name], name


def test_every_built_in_tool_with_an_asynchronous_client(built: BuiltIn) -> None:
    model = ScriptedModel(every(built), [says("Done.")])

    async def all_of_them() -> None:
        async with AsyncClient(built.server.target) as client:
            agent: Agent[Any] = Agent(name="all", model=model, tools=await async_tools(client))
            await Runner.run(agent, "Go.", run_config=QUIET)

    asyncio.run(all_of_them())
    for name, (_, words) in built.calls.items():
        assert words in model.outputs[name], name


def test_what_says_it_is_strict_is(built: BuiltIn) -> None:
    """
    As the SDK itself makes it: it has nothing to change.
    """
    with Client(built.server.target) as client:
        made = tools(client)
        offered = client.toolset().definitions("openai-responses", strict="where_possible")
    assert {each.strict_json_schema for each in made} == {True, False}
    for each, definition in zip(made, offered, strict=True):
        assert each.params_json_schema == definition["parameters"]
        if each.strict_json_schema:
            again = json.loads(json.dumps(each.params_json_schema))
            assert ensure_strict_json_schema(again) == each.params_json_schema


@pytest.mark.parametrize("wire", [OpenAIChatCompletionsModel, OpenAIResponsesModel])
def test_the_sdks_own_models_over_http(alice: Client, wire: Any) -> None:
    """
    Parallel calls, one of which fails and one of which does not fit.
    """
    first = Calls(("rows", {"count": 1}), ("fails", {"row": 7}), ("table", {"unit": "Celcius"}))
    told: list[str] = []

    def end(view: Any) -> Any:
        told.extend(each.text for each in view.results)
        return SaysIt("Done.")

    async def asked() -> Any:
        async with openai.AsyncOpenAI(base_url=server.openai_base_url, api_key="any") as provider:
            model = wire("gpt-any", provider)
            agent: Agent[Any] = Agent(name="a", model=model, tools=made)
            return await Runner.run(agent, "Go.", run_config=QUIET)

    made = tools(alice, "rows", "fails", "table")
    with ProviderServer() as server:
        server.script([first, Then(end)])
        assert asyncio.run(asked()).final_output == "Done."
    assert "row 0" in told[0]
    assert "no row 7" in told[1]
    assert "celsius" in told[2]


def test_a_call_that_is_wrong_is_answered(alice: Client) -> None:
    gone = OfferedTool(
        name="gone", parameters={"type": "object"}, version="1.0.0", effects="read_only"
    )
    toolset = alice.toolset("rows").with_tools([gone])
    model = ScriptedModel([called("a", "gone", {}), called("b", "rows", '{"count"')], [says("x")])
    run(model, tools(alice, toolset=toolset))
    assert json.loads(model.outputs["a"])["error"] == "unknown_tool"
    assert json.loads(model.outputs["b"])["error"] == "malformed"


def mailing() -> ScriptedModel:
    return ScriptedModel(
        [called("a", "mail", {"to": "bob"}), called("b", "mail", {"to": "eve"})], [says("Done.")]
    )


@pytest.mark.parametrize("restarted", [False, True])
def test_a_run_stops_for_a_person_and_goes_on(alice: Client, restarted: bool) -> None:
    """
    The state is text in between; restarted: in another program, which knows nothing of the first.
    """
    before = len(list(alice.list_executions(tool="mail")))
    model = mailing()
    made: Any = tools(alice, "mail")
    agent: Agent[Any] = Agent(name="helper", model=model, tools=made)
    stopped = asyncio.run(Runner.run(agent, "Mail.", run_config=QUIET))
    assert {each.name for each in stopped.interruptions} == {"mail"}
    assert len(list(alice.list_executions(tool="mail"))) == before
    text = stopped.to_state().to_string()
    assert secret(made[0].on_invoke_tool.__self__.offering.asked, text)
    if restarted:
        agent = Agent(name="helper", model=model, tools=tools(alice, "mail"))

    async def resumed() -> Any:
        state: Any = await RunState.from_string(agent, text)
        for each in state.get_interruptions():
            if "bob" in each.arguments:
                state.approve(each)
            else:
                state.reject(each)
        return await Runner.run(agent, state, run_config=QUIET)

    assert asyncio.run(resumed()).final_output == "Done."
    assert model.outputs["a"] == "sent to bob"
    assert "not approved" in model.outputs["b"]
    assert len(list(alice.list_executions(tool="mail"))) == before + 1


def test_another_principal_says_yes(place: TurnPlace, alice: Client) -> None:
    place.file.write_text("precious")
    wipe = {"path": str(place.file)}
    model = ScriptedModel([called("a", "wipe", wipe)], [called("b", "wipe", wipe)], [says("Done.")])
    agent: Agent[Any] = Agent(name="helper", model=model, tools=tools(alice, "wipe"))

    def resumed(stopped: Any) -> Any:
        state = stopped.to_state()
        for each in stopped.interruptions:
            state.approve(each)
        return asyncio.run(Runner.run(agent, state, run_config=QUIET))

    again = resumed(asyncio.run(Runner.run(agent, "Wipe.", run_config=QUIET)))
    told = json.loads(model.outputs["a"])
    assert told["error"] == "waits_for_approval"
    assert place.file.read_text() == "precious"
    with place.client("boss") as boss:
        boss.approvals.approve(told["approval_id"])
    assert resumed(again).final_output == "Done."
    assert model.outputs["b"] == "wiped"


def test_a_callback_is_asked_instead(alice: Client) -> None:
    model = mailing()
    run(model, tools(alice, "mail", approve=lambda _: Deny("not today")))
    assert all("not today" in each for each in model.outputs.values())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_to_cancel_leaves_nothing_running(place: TurnPlace, alice: Client, kind: str) -> None:
    async def cancelled() -> None:
        async with place.async_client("alice") as client:
            made = tools(alice, "sleep") if kind == "sync" else await async_tools(client, "sleep")
            model = ScriptedModel([called("a", "sleep", {})])
            agent: Agent[Any] = Agent(name="helper", model=model, tools=made)
            task = asyncio.ensure_future(Runner.run(agent, "Sleep.", run_config=QUIET))
            await until(lambda: running(alice) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # While the loop goes on: its end would close what was left open.
            await until(lambda: running(alice) == 0, 20)

    asyncio.run(cancelled())
    assert nothing_runs(alice)


def test_a_timeout_is_told_and_events_are_heard(alice: Client) -> None:
    heard: list[str] = []
    made = tools(
        alice, "sleep", limits={"wall_seconds": 1}, on_event=lambda each: heard.append(each.kind)
    )
    model = ScriptedModel([called("a", "sleep", {})], [says("Done.")])
    run(model, made)
    assert json.loads(model.outputs["a"])["error"] == "exceeded(wall)"
    assert "progress" in heard
