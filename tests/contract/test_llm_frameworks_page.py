"""
The page about agent frameworks: its Python, as it shows it, against a whole server.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from agents import set_tracing_disabled
from langchain_core.messages import AIMessage
from langchain_models import Scripted, calls
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from scripted_agents import ScriptedModel, called, says
from toolcell_client.frameworks import langchain
from turn_place import TurnPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/orchestrators/frameworks.md").read_text()
LANGCHAIN, AGENTS, PYDANTIC, RESUME = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SUM = {"expression": "6 * 7"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnPlace]:
    place = TurnPlace(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    """
    What `run_sync` of both SDKs uses, and leaves open.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def typed(place: TurnPlace, text: str, **names: Any) -> tuple[dict[str, Any], str]:
    """
    Lines of the page, as a reader types them: the names that there are then, and what was printed.
    """
    printed = io.StringIO()
    with place.client("alice") as client, contextlib.redirect_stdout(printed):
        known = {"client": client, **names}
        exec(text, known)
    return known, printed.getvalue()


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
def test_langchain(place: TurnPlace) -> None:
    model = Scripted(script=[calls(("a", "calculate", SUM)), AIMessage(content="42, of course.")])
    known, printed = typed(place, LANGCHAIN, model=model)
    assert printed == "42, of course.\n"
    assert "42" in known["state"]["messages"][-2].content


def test_the_agents_sdk(place: TurnPlace) -> None:
    set_tracing_disabled(disabled=True)
    model = ScriptedModel([called("a", "calculate", SUM)], [says("42, of course.")])
    _, printed = typed(place, AGENTS, model=model)
    assert printed == "42, of course.\n"
    assert "42" in model.outputs["a"]


def test_pydantic_ai(place: TurnPlace) -> None:
    def model(messages: list[Any], info: AgentInfo) -> ModelResponse:
        if len(messages) == 1:
            return ModelResponse(parts=[ToolCallPart("calculate", SUM, tool_call_id="a")])
        return ModelResponse(parts=[TextPart(messages[-1].parts[0].model_response_str())])

    _, printed = typed(place, PYDANTIC, model=FunctionModel(model))
    assert "42" in printed


def test_a_graph_is_resumed(place: TurnPlace) -> None:
    with place.client("alice") as client:
        made = langchain.tools(client, "mail")
        script = [calls(("a", "mail", {"to": "bob"})), AIMessage(content="Done.")]
        bound = Scripted(script=script).bind_tools(made)
        builder: Any = StateGraph(MessagesState)
        builder.add_node("model", lambda state: {"messages": [bound.invoke(state["messages"])]})
        builder.add_node("tools", ToolNode(made))
        builder.set_entry_point("model")
        builder.add_conditional_edges("model", tools_condition)
        builder.add_edge("tools", "model")
        graph = builder.compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "one"}}
        known, _ = typed(place, RESUME, graph=graph, config=config)
    assert known["asked"]["kind"] == "confirm"
    assert known["state"]["messages"][-2].content == "sent to bob"


def test_its_extras_are_there() -> None:
    """
    By the names that pyproject.toml has.
    """
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    named = re.findall(r"toolcell\[([\w-]+)\]'", PAGE)
    assert len(named) == 3
    assert all(re.search(rf"^{each} = \[", project, re.MULTILINE) for each in named)
