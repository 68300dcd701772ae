"""
Calls of tools that a conversation has, and did not offer for this response.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scripted_models import ScriptedModel, calls, says
from toolcell_client import Client, Conversation, Selection
from toolcell_client.loops.entries import CallAnswered
from toolcell_client.testing import script

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer


def test_it_is_told_to_find_it_first(server: FakeServer, client: Client) -> None:
    for name in ("look", "fail"):
        server.tool(name, script.completed("seen"))
    model = ScriptedModel(calls(("c1", "fail", {}), ("c2", "look", {})), says("I see."))
    select = Selection(maximum=1, always=("look",))
    talk = Conversation(client, model, provider="openai", model_name="m", select=select)
    assert talk.say("What is there?").text == "I see."
    told = json.loads(model.requests[1]["messages"][-2]["content"])
    assert (told["error"], "close_matches" in told) == ("not_offered", False)
    assert "find_tools" in told["hint"]
    assert [each.tool for each in server.requests] == ["look"]
    answered = [each for each in talk.transcript if isinstance(each, CallAnswered)]
    assert [each.tool for each in answered] == ["fail", "look"]


def test_a_tool_that_is_nowhere_stays_unknown(server: FakeServer, client: Client) -> None:
    server.tool("look", script.completed("seen"))
    model = ScriptedModel(calls(("c1", "lock", {})), says("I see."))
    select = Selection(maximum=1, always=("look",))
    talk = Conversation(client, model, provider="openai", model_name="m", select=select)
    talk.say("What is there?")
    told = json.loads(model.requests[1]["messages"][-1]["content"])
    assert (told["error"], told["close_matches"]) == ("unknown_tool", ["look"])
    assert "find_tools" in told["hint"]
