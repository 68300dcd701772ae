"""
Which tools a session offers, those that only have a schema, and hints that let a call be repaired.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from realtime_events import calls, item
from toolcell_client import AsyncClient
from toolcell_client.formats import Toolset
from toolcell_client.loops import extraction_tool
from toolcell_client.testing import FakeServer, completed
from toolcell_client.voice import VoiceSession
from voice_wire import Wire, served

if TYPE_CHECKING:
    from collections.abc import Mapping

PERSON = extraction_tool(
    "person", {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
)
UNIT = {"type": "object", "properties": {"unit": {"type": "string", "enum": ["celsius"]}}}


def answered(server: FakeServer, call: dict[str, Any], **how: Any) -> Any:
    async def whole() -> Any:
        wire = Wire()
        async with (
            AsyncClient(server.target) as client,
            VoiceSession(client, **how) as voice,
            served(voice, (wire.receive, wire.send)),
        ):
            wire.feed(*calls("r1", call))
            return await wire.answered("c1")

    return asyncio.run(whole())


@pytest.mark.parametrize(("age", "fits"), [(36, True), ("old", False)])
def test_a_schema_only_tool_hands_over_its_arguments(
    server: FakeServer, age: Any, *, fits: bool
) -> None:
    taken: list[tuple[str, Mapping[str, Any]]] = []
    told = answered(
        server,
        item("c1", "person", {"age": age}),
        tools=Toolset([PERSON]),
        on_extracted=lambda name, value: taken.append((name, value)),
    )
    assert told["ok"] is fits
    assert taken == ([("person", {"age": 36})] if fits else [])
    if not fits:
        assert told["violations"][0]["example"] == 1
    assert not server.requests


def test_names_in_a_list_choose_as_one_by_one(server: FakeServer) -> None:
    for name in ("look", "write"):
        server.tool(name, completed(1))
    assert answered(server, item("c1", "look"), tools=["look"])["ok"]
    assert answered(server, item("c1", "write"), tools=["look"])["error"] == "unknown_tool"


def test_tools_are_said_in_one_way(server: FakeServer) -> None:
    client = AsyncClient(server.target)
    with pytest.raises(ValueError, match="not both"):
        VoiceSession(client, "look", tools=["look"])
    with pytest.raises(TypeError, match=r"tools=\['look'\]"):
        VoiceSession(client, tools="look")


def test_a_refused_call_comes_back_with_what_repairs_it(server: FakeServer) -> None:
    server.tool("weather", completed(1), parameters=UNIT)
    violations = [("arguments_json/unit", "must be one of …")]
    server.refuse(
        "weather", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENTS", violations=violations
    )
    told = answered(server, item("c1", "weather", {"unit": "Celcius"}))
    assert told["violations"][0]["close_matches"] == ["celsius"]
