"""
A turn of a voice model, executed by a program that has the connection itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from realtime_events import CLIENT_EVENTS, done, item, strictly
from toolcell_client.testing import completed

if TYPE_CHECKING:
    from toolcell_client import Client
    from toolcell_client.testing import FakeServer
    from turning import Turn

VOICE = "openai-realtime"


def test_a_response_is_answered_with_events_to_send(server: FakeServer, turn: Turn) -> None:
    """
    Those that do not work as well; `response.create` is the caller's, once.
    """
    server.tool("look", completed({"seen": 1}))
    response = done(
        "r1",
        item("c1"),
        item("c2", "lock"),
        item("c3", "look", "{no"),
        item("c4", status="incomplete"),
    )
    told = turn(response, provider=VOICE)
    for each in told.messages:
        strictly(CLIENT_EVENTS, each)
    assert [each["item"]["call_id"] for each in told.messages] == ["c1", "c2", "c3", "c4"]
    assert {each["type"] for each in told.messages} == {"conversation.item.create"}
    assert told.messages[0]["item"]["output"] == '{"seen": 1}'
    assert [each.failed for each in told.answers] == [False, True, True, True]
    assert told.turn.messages == ()
    assert [each.tool for each in server.requests] == ["look"]


def test_calls_that_wait_are_events_as_well(server: FakeServer, turn: Turn) -> None:
    server.tool("look", completed(1))
    told = turn(done("r1", item("c1")), provider=VOICE, auto_execute=False)
    for each in told.messages_meanwhile:
        strictly(CLIENT_EVENTS, each)
    assert not server.requests


def test_a_connection_is_no_stream_of_one_response(client: Client) -> None:
    events: Any = iter([])
    with pytest.raises(ValueError, match=r"toolcell_client\.voice"):
        client.run_tool_calls(VOICE, events, stream=True)
