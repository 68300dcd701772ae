"""
LangChain's tools and LangGraph's agents against a whole server.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from framework_place import BuiltIn, built_in, nothing_runs, running, secret
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import ToolException
from langchain_models import Scripted, calls
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, create_react_agent, tools_condition
from langgraph.types import Command
from toolcell_client import AsyncClient, Client
from toolcell_client.errors import InvalidArguments
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.frameworks.langchain import async_tools, tools
from toolcell_client.loops.approving import Approve
from toolcell_client.loops.bounding import Bounds
from toolcell_client.loops.kept import KeptResults
from turn_place import TurnPlace
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_A_THREAD: Any = {"configurable": {"thread_id": "one"}}
DONE = AIMessage(content="Done.")


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


def call(name: str, arguments: dict[str, Any], call_id: str = "a") -> Any:
    return {"type": "tool_call", "name": name, "args": arguments, "id": call_id}


def graph(model: Scripted, made: list[Any]) -> Any:
    """
    The usual loop, with checkpoints.
    """
    bound = model.bind_tools(made)
    builder: Any = StateGraph(MessagesState)
    builder.add_node("model", lambda state: {"messages": [bound.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode(made))
    builder.set_entry_point("model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=InMemorySaver())


def told(state: Any) -> dict[str, str]:
    """
    What tools said, by call id.
    """
    found = [each for each in state["messages"] if isinstance(each, ToolMessage)]
    return {each.tool_call_id: str(each.content) for each in found}


def test_every_built_in_tool(built: BuiltIn) -> None:
    with Client(built.server.target) as client:
        made = tools(client)
        assert {each.name for each in made} == set(built.calls)
        assert Scripted(script=[]).bind_tools(made)
        for each in made:
            arguments, words = built.calls[each.name]
            message = each.invoke(call(each.name, arguments))
            assert words in message.content, each.name
            assert (message.status == "success") == isinstance(message.artifact, dict)
            assert (message.artifact or {}).get("label", "completed") == "completed"


def test_every_built_in_tool_asynchronously(built: BuiltIn) -> None:
    async def every(client: Client | AsyncClient) -> None:
        made = tools(client) if isinstance(client, Client) else await async_tools(client)
        messages = await asyncio.gather(
            *(each.ainvoke(call(each.name, built.calls[each.name][0])) for each in made)
        )
        for message in messages:
            assert built.calls[message.name][1] in message.content, message.name

    async def both() -> None:
        async with AsyncClient(built.server.target) as asynchronous:
            await every(asynchronous)
        with Client(built.server.target) as client:
            await every(client)

    asyncio.run(both())


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
def test_an_agent_calls_in_parallel_and_sees_what_failed(alice: Client) -> None:
    first = calls(
        ("a", "rows", {"count": 1}),
        ("b", "fails", {"row": 7}),
        ("c", "table", {"unit": "Celcius"}),
        ("d", "rows", {"count": 2}),
    )
    model = Scripted(script=[first, DONE])
    agent = create_react_agent(model, tools(alice, "rows", "fails", "table"))
    state = agent.invoke({"messages": [HumanMessage("Look.")]})
    said = told(state)
    assert [each["function"]["name"] for each in model.seen] == ["fails", "rows", "table"]
    assert json.loads(said["a"]) == [{"name": "row 0 ä"}]
    assert "no row 7" in said["b"]
    assert json.loads(said["c"])["violations"][0]["close_matches"] == ["celsius"]
    assert len(json.loads(said["d"])) == 2
    assert state["messages"][-1].content == "Done."


def test_a_failure_can_be_raised_with_its_cause(alice: Client) -> None:
    [table] = tools(alice, "table")
    table.handle_tool_error = False
    with pytest.raises(ToolException, match="celsius") as caught:
        table.invoke(call("table", {"unit": "Celcius"}))
    assert isinstance(caught.value.__cause__, InvalidArguments)


@pytest.mark.parametrize("name", ["self", "config", "run_manager", "callbacks"])
def test_no_argument_is_taken_for_one_of_the_framework(alice: Client, name: str) -> None:
    [rows] = tools(alice, "rows")
    message = rows.invoke(call("rows", {name: 1}))
    assert message.status == "error"
    assert name in json.loads(message.content)["violations"][0]["field"] + message.content


def test_a_tool_that_is_gone_is_told(place: TurnPlace, alice: Client) -> None:
    gone = OfferedTool(name="rows", parameters={"type": "object"}, version="9.9.9")
    [rows] = tools(alice, toolset=Toolset([gone]))
    message = rows.invoke(call("rows", {"count": 1}))
    assert message.status == "error"
    assert json.loads(message.content)["error"] == "unknown_tool"


def test_a_graph_stops_for_a_person_and_goes_on(alice: Client) -> None:
    """
    Two calls of one node: each gets its own answer, and what ran does not run again.
    """
    before = len(list(alice.list_executions(tool="mail")))
    first = calls(("a", "mail", {"to": "bob"}), ("b", "count_up", {}), ("c", "mail", {"to": "eve"}))
    made: Any = tools(alice, "mail", "count_up")
    agent = graph(Scripted(script=[first, DONE]), made)
    state = agent.invoke({"messages": [HumanMessage("Mail.")]}, IN_A_THREAD)
    [count] = list(alice.list_executions(tool="count_up"))
    answers = {"a": True, "c": {"approve": False, "reason": "not her"}}
    while asked := state.get("__interrupt__"):
        assert secret(made[0].offering.asked, (asked, agent.get_state(IN_A_THREAD)))
        call_id = asked[0].value["call"]["call_id"]
        state = agent.invoke(Command(resume={call_id: answers.pop(call_id)}), IN_A_THREAD)
    said = told(state)
    assert said["a"] == "sent to bob"
    assert "not her" in said["c"]
    assert [count] == list(alice.list_executions(tool="count_up"))
    assert len(list(alice.list_executions(tool="mail"))) == before + 1


@pytest.mark.parametrize("said", [True, "yes", {"a": "yes"}])
def test_an_answer_names_its_call(alice: Client, said: Any) -> None:
    before = len(list(alice.list_executions(tool="mail")))
    made = calls(("a", "mail", {"to": "bob"}))
    agent = graph(Scripted(script=[made, DONE]), tools(alice, "mail"))
    agent.invoke({"messages": [HumanMessage("Mail.")]}, IN_A_THREAD)
    with pytest.raises(TypeError, match="resume the graph with"):
        agent.invoke(Command(resume=said), IN_A_THREAD)
    assert before == len(list(alice.list_executions(tool="mail")))


def test_a_graph_goes_on_in_another_program(place: TurnPlace, alice: Client) -> None:
    """
    The question was in the memory of the first; the answer is for the same arguments.
    """
    made = calls(("a", "mail", {"to": "bob"}))
    model = Scripted(script=[made, DONE])
    agent = graph(model, tools(alice, "mail"))
    agent.invoke({"messages": [HumanMessage("Mail.")]}, IN_A_THREAD)
    again = graph(model, tools(alice, "mail"))
    again.checkpointer = agent.checkpointer
    state = again.invoke(Command(resume={"a": True}), IN_A_THREAD)
    assert told(state) == {"a": "sent to bob"}


def test_a_graph_waits_for_another_principal(place: TurnPlace, alice: Client) -> None:
    place.file.write_text("precious")
    made = calls(("a", "wipe", {"path": str(place.file)}))
    agent = graph(Scripted(script=[made, DONE]), tools(alice, "wipe"))
    state = agent.invoke({"messages": [HumanMessage("Wipe.")]}, IN_A_THREAD)
    [asked] = state["__interrupt__"]
    yes: Any = Command(resume={"a": True})
    assert agent.invoke(yes, IN_A_THREAD)["__interrupt__"]
    assert place.file.read_text() == "precious"
    with place.client("boss") as boss:
        boss.approvals.approve(asked.value["approval_id"])
    assert told(agent.invoke(yes, IN_A_THREAD)) == {"a": "wiped"}


def test_without_a_graph_somebody_is_asked_or_it_waits(alice: Client) -> None:
    [mail] = tools(alice, "mail")
    assert "waits_for_approval" in mail.invoke(call("mail", {"to": "bob"})).content
    [mail] = tools(alice, "mail", approve=lambda _: Approve())
    assert mail.invoke(call("mail", {"to": "bob"})).content == "sent to bob"


def test_what_a_tool_reports_is_dispatched(alice: Client) -> None:
    heard: list[tuple[str, Any]] = []

    class Handler(BaseCallbackHandler):
        def on_custom_event(self, name: str, data: Any, **rest: Any) -> None:
            heard.append((name, data))

    [fails] = tools(alice, "fails")
    fails.invoke(call("fails", {"row": 1}), {"callbacks": [Handler()]})
    asyncio.run(fails.ainvoke(call("fails", {"row": 1}), {"callbacks": [Handler()]}))
    assert [each for each, _ in heard] == ["toolcell.output"] * 2


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_to_cancel_leaves_nothing_running(place: TurnPlace, alice: Client, kind: str) -> None:
    async def cancelled() -> None:
        async with place.async_client("alice") as client:
            made = tools(alice, "sleep") if kind == "sync" else await async_tools(client, "sleep")
            task = asyncio.ensure_future(made[0].ainvoke(call("sleep", {})))
            await until(lambda: running(alice) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # While the loop goes on: its end would close what was left open.
            await until(lambda: running(alice) == 0, 20)

    asyncio.run(cancelled())
    assert nothing_runs(alice)


def test_what_was_cut_can_be_read(alice: Client) -> None:
    short = Bounds(result_characters=2000)
    rows, read = sorted(
        tools(alice, "rows", kept=KeptResults(), bounds=short), key=lambda each: each.name != "rows"
    )
    assert read.invoke(call("read_result", {"handle": "none"})).status == "error"
    message = rows.invoke(call("rows", {"count": 500}))
    assert (len(message.content) <= 2000, message.status) == (True, "success"), message.content
    assert len(message.artifact["value"]) == 500
    handle = json.loads(message.content)["left_out"].split('"')[1]
    asked = call("read_result", {"handle": handle, "path": "/321/name"})
    assert json.loads(read.invoke(asked).content)["text"] == "row 321 ä"


def test_an_asynchronous_client_says_that_it_is(place: TurnPlace) -> None:
    async def made() -> Any:
        async with place.async_client("alice") as client:
            [rows] = await async_tools(client, "rows")
            with pytest.raises(TypeError, match="ainvoke"):
                rows.invoke(call("rows", {"count": 1}))

    asyncio.run(made())
