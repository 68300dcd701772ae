"""
Tools that come and go while an agent of each framework has them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agents import Agent as OpenAIAgent
from agents import RunConfig, Runner
from framework_place import UPPER, BuiltIn, built_in
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from scripted_agents import ScriptedModel, called, says
from toolcell_client import Client
from toolcell_client.formats import Toolset
from toolcell_client.frameworks import langchain, openai_agents
from toolcell_client.frameworks.pydantic_ai import ToolcellToolset

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltIn]:
    built = built_in(tmp_path_factory.mktemp("built"))
    with built.server:
        yield built


@pytest.fixture
def client(built: BuiltIn) -> Iterator[Client]:
    with Client(built.server.target) as client:
        client.registry.register([UPPER], replace=True)
        yield client


def gone(client: Client) -> None:
    client.registry.unregister("upper")


def test_langchain_tells_that_a_tool_is_gone(client: Client) -> None:
    [upper] = langchain.tools(client, "upper")
    call = {"type": "tool_call", "name": "upper", "args": {"text": "rose"}, "id": "a"}
    assert upper.invoke(call).content == "ROSE"
    gone(client)
    message = upper.invoke({**call, "id": "b"})
    assert (message.status, "unknown_tool" in message.content) == ("error", True)


def test_the_agents_sdk_tells_that_a_tool_is_gone(client: Client) -> None:
    made = openai_agents.tools(client, "upper")
    model = ScriptedModel([called("a", "upper", {"text": "rose"})], [says("Done.")])
    gone(client)
    agent: OpenAIAgent[Any] = OpenAIAgent(name="a", model=model, tools=made)
    quiet = RunConfig(tracing_disabled=True)
    asyncio.run(Runner.run(agent, "Go.", run_config=quiet))
    assert "unknown_tool" in model.outputs["a"]


def test_pydantic_ai_sees_in_the_next_step_what_came_and_went(client: Client) -> None:
    """
    And a tool that went after it was listed is told.
    """
    offered: list[bool] = []

    def model(messages: list[Any], info: AgentInfo) -> ModelResponse:
        offered.append("upper" in {each.name for each in info.function_tools})
        if len(offered) == 1:
            gone(client)
            return ModelResponse(parts=[ToolCallPart("upper", {"text": "x"}, tool_call_id="a")])
        if len(offered) == 2:
            client.registry.register([UPPER], replace=True)
            return ModelResponse(parts=[ToolCallPart("system_info", {}, tool_call_id="b")])
        return ModelResponse(parts=[TextPart("Done.")])

    agent: Any = Agent(FunctionModel(model), toolsets=[ToolcellToolset(client)])
    done = asyncio.run(agent.run("Go."))
    told = {
        part.tool_call_id: part.model_response_str()
        for message in done.all_messages()
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    }
    assert offered == [True, False, True]
    assert "unknown_tool" in told["a"]


def test_a_set_with_other_names_can_be_given(client: Client) -> None:
    upper = client.toolset("upper").tools.values()
    [capitals] = openai_agents.tools(client, toolset=Toolset(upper, {"upper": "capitals"}))
    assert capitals.name == "capitals"
    model = ScriptedModel([called("a", "capitals", {"text": "rose"})], [says("Done.")])
    agent: OpenAIAgent[Any] = OpenAIAgent(name="a", model=model, tools=[capitals])
    asyncio.run(Runner.run(agent, "Go.", run_config=RunConfig(tracing_disabled=True)))
    assert model.outputs["a"] == "ROSE"
    gone(client)
