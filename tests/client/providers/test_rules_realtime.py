"""
What OpenAI's Realtime API answers with an error event, through the openai package.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from asking_providers import flat_tools, openai_client
from toolcell_client.testing.providers import Calls, Fails, Says
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer

OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "1"}


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": fields}


# By the rule: an event of the client, and the code and words of the error.
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown event": ({"type": "x"}, "invalid_value", "Invalid value: 'x'"),
    "no type": ({}, "missing_required_parameter", "'type'"),
    "no type of session": (
        {"type": "session.update", "session": {}},
        "missing_required_parameter",
        "'session.type'",
    ),
    "an unknown setting": (update(voice="x"), "unknown_parameter", "'session.voice'"),
    "another model": (update(model="other"), "invalid_value", "Cannot update a session's model"),
    "a strict tool": (
        update(tools=flat_tools(["add"], strict=True)),
        "unknown_parameter",
        "'session.tools[0].strict'",
    ),
    "a dot in a name": (update(tools=flat_tools(["a.b"])), "invalid_value", "match pattern"),
    "a name twice": (update(tools=flat_tools(["a", "a"])), "invalid_value", "there twice"),
    "a choice that is not offered": (
        update(tool_choice={"type": "function", "name": "add"}),
        "invalid_value",
        "'tool_choice' is only allowed",
    ),
    "text and audio": (
        update(output_modalities=["text", "audio"]),
        "invalid_value",
        "Invalid modalities",
    ),
    "an unknown item": (item(type="x"), "invalid_value", "Invalid value: 'x'"),
    "an output without a call": (item(**OUTPUT), "invalid_tool_call_id", "'c1' not found"),
    "an output that is an object": (item(**OUTPUT | {"output": {}}), "invalid_type", "string"),
    "a long id": (item(**OUTPUT | {"call_id": "c" * 33}), "string_above_max_length", "32"),
    "output text of the user": (
        item(type="message", role="user", content=[{"type": "output_text", "text": "x"}]),
        "invalid_value",
        "Invalid value: 'output_text'",
    ),
    "nothing to cancel": (
        {"type": "response.cancel"},
        "response_cancel_not_active",
        "no active response found",
    ),
    "no audio": (
        {"type": "input_audio_buffer.commit"},
        "input_audio_buffer_commit_empty",
        "buffer too small",
    ),
    "an item that is gone": (
        {"type": "conversation.item.delete", "item_id": "i1"},
        "invalid_value",
        "does not exist",
    ),
    "an unknown setting of a response": (
        {"type": "response.create", "response": {"voice": "x"}},
        "unknown_parameter",
        "'response.voice'",
    ),
}


@pytest.mark.parametrize("rule", BAD)
def test_red_when(rule: str, refusing: ProviderServer) -> None:
    event, code, words = BAD[rule]
    with openai_client(refusing).realtime.connect(model="known") as connection:
        assert "session.created" == connection.recv().type
        connection.send_raw(json.dumps(event | {"event_id": "mine"}))
        error = connection.recv()

    assert error.type == "error"
    assert (code, "mine") == (error.error.code, error.error.event_id)
    assert words in error.error.message


def test_red_when_a_response_is_active(provider: ProviderServer) -> None:
    hold = threading.Event()
    provider.script([Says("a long story", hold=hold, hold_after=1), Says("again")])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        connection.response.create()
        events = {each.type: each for each in (connection.recv() for _ in range(3))}
        hold.set()
        while connection.recv().type != "response.done":
            pass
        connection.response.create()
        kinds = {connection.recv().type, connection.recv().type}

    error = events["error"]
    assert error.type == "error"
    assert "conversation_already_has_active_response" == error.error.code
    assert "response.created" in kinds


def test_red_when_a_call_is_answered_twice(provider: ProviderServer) -> None:
    provider.script([Calls(("add", {"a": 1}), ids=("c1",))])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        while connection.recv().type != "rate_limits.updated":
            pass
        for _ in range(2):
            connection.send_raw(json.dumps(item(**OUTPUT)))
        kinds = [connection.recv().type for _ in range(3)]

    assert ["conversation.item.added", "conversation.item.done", "error"] == kinds


def test_a_failure_of_the_provider_ends_a_response(provider: ProviderServer) -> None:
    provider.script([Fails(429)])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        done = [connection.recv() for _ in range(3)][-1]

    assert done.type == "response.done"
    assert "failed" == done.response.status
    assert done.response.status_details
    assert done.response.status_details.error
    assert "rate_limit_exceeded" == done.response.status_details.error.code


@pytest.mark.parametrize(
    ("headers", "model", "status"),
    [({}, "known", 401), ({"Authorization": "Bearer x"}, "known", 401), (None, "unknown", 404)],
)
def test_red_when_the_connection_is_not_permitted(
    headers: dict[str, str] | None, model: str, status: int, refusing: ProviderServer
) -> None:
    given = {"Authorization": "Bearer key"} if headers is None else headers
    with pytest.raises(InvalidStatus) as caught:
        connect(f"{refusing.realtime_url}?model={model}", additional_headers=given)

    assert status == caught.value.response.status_code
