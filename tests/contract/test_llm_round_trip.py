"""
Every built-in tool of a real server, for every provider: what is told of it is what the provider's
SDK takes, and what a model writes for it arrives as it was meant.
"""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest
from called_by import DEFINITIONS, response
from exampling import few
from hypothesis import assume, given
from hypothesis import strategies as st
from schemas_of_tools import Values, valid
from toolcell_client import Client
from toolcell_client.formats import PROVIDERS, OfferedTool, Toolset
from typed_dicts import misfits

if TYPE_CHECKING:
    from running_server import Server
    from toolcell_client.formats.loosened import Strictness


def _there(provider: str) -> bool:
    return importlib.util.find_spec(f"toolcell_client.formats.{PROVIDERS[provider]}") is not None


EVERY = pytest.mark.parametrize(
    "provider",
    [
        pytest.param(
            each, marks=pytest.mark.skipif(not _there(each), reason="its format is not merged yet")
        )
        for each in PROVIDERS
    ],
)


@pytest.fixture(scope="module")
def tools(running_server: Server) -> Toolset:
    """
    The built-in tools, as the server lists them.
    """
    with Client(running_server.target) as client:
        return client.toolset()


def snake(value: Any) -> Any:
    """
    Keys as google-genai's types spell them, down to schemas, which are data there.
    """
    if not isinstance(value, dict):
        return [snake(each) for each in value] if isinstance(value, list) else value
    names = {
        "functionDeclarations": "function_declarations",
        "parametersJsonSchema": "parameters_json_schema",
        "responseJsonSchema": "response_json_schema",
    }
    return {
        names.get(key, key): each if key.endswith("JsonSchema") else snake(each)
        for key, each in value.items()
    }


def test_there_are_tools_to_try(tools: Toolset) -> None:
    assert len(tools.tools) > 5
    assert all(each.parameters["type"] == "object" for each in tools.tools.values())


@EVERY
@pytest.mark.parametrize("strict", [False, "where_possible"])
def test_definitions_are_what_the_sdk_takes(
    tools: Toolset, provider: str, strict: Strictness
) -> None:
    """
    One field too many, and the provider refuses the whole request.
    """
    made = tools.definitions(provider, strict=strict)

    spelled = snake(made) if provider == "gemini" else made
    assert made
    assert [] == [each for one in spelled for each in misfits(DEFINITIONS[provider], one)]
    assert made == tools.definitions(provider, strict=strict) == json.loads(json.dumps(made))


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_most_built_in_tools_can_be_strict(tools: Toolset, provider: str) -> None:
    """
    What cannot be is explained, with a place and a remedy.
    """
    notes = tools.explain(provider)

    kept = {each.tool for each in notes if each.prevents_strict}
    assert len(kept) < len(tools.tools) / 2, [str(each) for each in notes]
    assert all(each.reason and each.remedy for each in notes)


@EVERY
@few
@given(data=st.data())
def test_arguments_arrive_as_they_were_written(
    tools: Toolset, provider: str, data: st.DataObject
) -> None:
    """
    In each provider's own shape of a call.
    """
    tool = data.draw(st.sampled_from(list(tools.tools.values())))
    arguments = Values(tool.parameters, data.draw).of(tool.parameters)
    assume(valid(arguments, dict(tool.parameters)))

    turn = tools.turn(provider, response(provider, tools.aliases[tool.name], arguments))

    assert [(tool.name, arguments, None)] == [
        (each.tool, each.arguments, each.problem) for each in turn.calls
    ]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@few
@given(data=st.data())
def test_what_a_model_writes_in_strict_mode_is_what_the_tool_takes(
    tools: Toolset, provider: str, data: st.DataObject
) -> None:
    """
    With null for what it leaves out, unless a note says what is only told in words.
    """
    tool = data.draw(st.sampled_from(list(tools.tools.values())))
    alone = Toolset([tool])
    offers, notes = alone._offers.made([tool], provider, "where_possible")
    assume(not notes)
    written = Values(offers[0].parameters, data.draw).of(offers[0].parameters)
    assume(valid(written, dict(offers[0].parameters)))

    [call] = alone.turn(provider, response(provider, tool.name, written)).calls

    assert call.problem is None
    assert valid(call.arguments, dict(tool.parameters)), (written, call.arguments)


@EVERY
def test_a_dotted_name_leads_there_and_back(provider: str) -> None:
    """
    A dot in one name makes some providers refuse the whole request.
    """
    dotted = OfferedTool(name="files.read", parameters={"type": "object"})
    tools = Toolset([dotted])

    [call] = tools.turn(provider, response(provider, "files_read", {})).calls

    assert "files_read" == tools.aliases["files.read"]
    assert "files_read" in json.dumps(tools.definitions(provider))
    assert ("files.read", {}) == (call.tool, call.arguments)
