"""
Graphs of LangGraph that stop for a person, against a whole server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from framework_place import secret
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_models import Scripted, calls
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command
from toolcell_client.frameworks.langchain import tools
from turn_place import TurnPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import Client

IN_A_THREAD: Any = {"configurable": {"thread_id": "one"}}
DONE = AIMessage(content="Done.")


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


def told(state: Any) -> dict[str, str]:
    """
    What tools said, by call id.
    """
    found = [each for each in state["messages"] if isinstance(each, ToolMessage)]
    return {each.tool_call_id: str(each.content) for each in found}


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
