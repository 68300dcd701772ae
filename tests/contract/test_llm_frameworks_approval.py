"""
Approval in each framework with an asynchronous client, and where the framework cannot ask.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agents import Agent as OpenAIAgent
from agents import RunConfig, Runner
from framework_place import ShyPlace
from langchain_core.messages import AIMessage, HumanMessage
from langchain_models import Scripted, calls
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from scripted_agents import ScriptedModel, called, says
from toolcell.v1.approval_pb2 import APPROVAL_STATE_DENIED
from toolcell_client.frameworks import langchain, openai_agents
from toolcell_client.frameworks.pydantic_ai import ToolcellToolset
from toolcell_client.loops.approving import Approve, Decision, Deny, Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from toolcell_client import AsyncClient

QUIET = RunConfig(tracing_disabled=True)
IN_A_THREAD: Any = {"configurable": {"thread_id": "one"}}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShyPlace]:
    place = ShyPlace(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


def graph(scripted: Scripted, made: list[Any]) -> Any:
    """
    The usual loop, with checkpoints.
    """
    bound = scripted.bind_tools(made)

    async def model(state: MessagesState) -> Any:
        return {"messages": [await bound.ainvoke(state["messages"])]}

    builder: Any = StateGraph(MessagesState)
    builder.add_node("model", model)
    builder.add_node("tools", ToolNode(made))
    builder.set_entry_point("model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=InMemorySaver())


async def in_langgraph(client: AsyncClient, *, yes: bool) -> str:
    made = await langchain.async_tools(client, "mail")
    script = [calls(("a", "mail", {"to": "bob"})), AIMessage(content="Done.")]
    agent = graph(Scripted(script=script), made)
    state = await agent.ainvoke({"messages": [HumanMessage("Mail.")]}, IN_A_THREAD)
    [asked] = state["__interrupt__"]
    resume: Any = Command(resume={asked.value["call"]["call_id"]: yes})
    done = await agent.ainvoke(resume, IN_A_THREAD)
    return str(done["messages"][-2].content)


async def in_the_agents_sdk(client: AsyncClient, *, yes: bool) -> str:
    model = ScriptedModel([called("a", "mail", {"to": "bob"})], [says("Done.")])
    made = await openai_agents.async_tools(client, "mail")
    agent: OpenAIAgent[Any] = OpenAIAgent(name="a", model=model, tools=made)
    stopped = await Runner.run(agent, "Mail.", run_config=QUIET)
    state = stopped.to_state()
    [asked] = stopped.interruptions
    (state.approve if yes else state.reject)(asked)
    await Runner.run(agent, state, run_config=QUIET)
    return model.outputs["a"]


async def in_pydantic_ai(client: AsyncClient, *, yes: bool) -> str:
    told: list[str] = []

    def model(messages: list[Any], info: AgentInfo) -> ModelResponse:
        if len(messages) == 1:
            return ModelResponse(parts=[ToolCallPart("mail", {"to": "bob"}, tool_call_id="a")])
        told.append(messages[-1].parts[0].model_response_str())
        return ModelResponse(parts=[TextPart("Done.")])

    toolset: Any = ToolcellToolset(client, "mail")
    agent: Any = Agent(
        FunctionModel(model), toolsets=[toolset], output_type=[str, DeferredToolRequests]
    )
    stopped = await agent.run("Mail.")
    results = DeferredToolResults(approvals={"a": yes})
    await agent.run(message_history=stopped.all_messages(), deferred_tool_results=results)
    return told[0]


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("framework", [in_langgraph, in_the_agents_sdk, in_pydantic_ai])
def test_a_yes_sends_the_mail_and_a_no_does_not(
    place: ShyPlace, framework: Callable[..., Awaitable[str]], yes: bool
) -> None:
    async def asked() -> str:
        async with place.async_client("alice") as client:
            return await framework(client, yes=yes)

    with place.client("alice") as alice:
        before = len(list(alice.list_executions(tool="mail")))
        told = asyncio.run(asked())
        assert (told == "sent to bob") == yes
        assert len(list(alice.list_executions(tool="mail"))) == before + yes


def test_an_asynchronous_callback_is_asked(place: ShyPlace) -> None:
    async def approve(question: Question) -> Decision:
        await asyncio.sleep(0)
        return Approve()

    async def asked() -> str:
        async with place.async_client("alice") as client:
            [mail] = await langchain.async_tools(client, "mail", approve=approve)
            return str(await mail.ainvoke({"to": "bob"}))

    assert asyncio.run(asked()) == "sent to bob"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_no_withdraws_the_question(place: ShyPlace, kind: str) -> None:
    """
    Nobody else need read it, and it counts no more.
    """
    call = {"to": "eve"}

    async def asked() -> str:
        async with place.async_client("alice") as client:
            [mail] = await langchain.async_tools(client, "mail", approve=lambda _: Deny("no"))
            return str(await mail.ainvoke(call))

    with place.client("alice") as alice:
        if kind == "async":
            told = asyncio.run(asked())
        else:
            [mail] = langchain.tools(alice, "mail", approve=lambda _: Deny("no"))
            told = str(mail.invoke(call))
        assert "approval_denied" in told
        assert next(alice.approvals.list(tool="mail")).state == APPROVAL_STATE_DENIED


def test_a_no_at_the_graph_counts(place: ShyPlace) -> None:
    """
    Whatever another principal has said at the server meanwhile.
    """
    place.file.write_text("precious")

    async def asked() -> str:
        async with place.async_client("alice") as client:
            made = await langchain.async_tools(client, "wipe")
            call = calls(("a", "wipe", {"path": str(place.file)}))
            agent = graph(Scripted(script=[call, AIMessage(content="Done.")]), made)
            state = await agent.ainvoke({"messages": [HumanMessage("Wipe.")]}, IN_A_THREAD)
            with place.client("boss") as boss:
                boss.approvals.approve(state["__interrupt__"][0].value["approval_id"])
            no: Any = Command(resume={"a": False})
            return str((await agent.ainvoke(no, IN_A_THREAD))["messages"][-2].content)

    assert "approval_denied" in asyncio.run(asked())
    assert place.file.read_text() == "precious"


def test_nobody_says_yes_for_the_person(place: ShyPlace) -> None:
    """
    The SDK does not ask about a tool that only reads; then it waits, however often it is called.
    """
    call = called("a", "peek", {"name": "diary"})
    model = ScriptedModel([call], [called("b", "peek", {"name": "diary"})], [says("Done.")])
    with place.client("alice") as alice:
        made = openai_agents.tools(alice, "peek")
        agent: OpenAIAgent[Any] = OpenAIAgent(name="a", model=model, tools=made)
        asyncio.run(Runner.run(agent, "Peek.", run_config=QUIET))
        assert "waits_for_approval" in model.outputs["a"]
        assert "waits_for_approval" in model.outputs["b"]
        assert not list(alice.list_executions(tool="peek"))
