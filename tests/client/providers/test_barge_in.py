"""
The user speaks while the model does, and responses that end before they should.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from asking_providers import flat_tools, openai_client
from toolcell_client.testing.providers import Calls, Says

if TYPE_CHECKING:
    from openai.resources.realtime.realtime import RealtimeConnection
    from toolcell_client.testing.providers import ProviderServer

LONG = '{"a": 1, "b": 2, "c": "a long text"}'


def events_until(connection: RealtimeConnection, kind: str) -> list[Any]:
    got = [connection.recv()]
    while got[-1].type != kind:
        got.append(connection.recv())
    return got


def named(got: list[Any], kind: str) -> list[Any]:
    return [each for each in got if each.type == kind]


def test_speech_interrupts_a_call(provider: ProviderServer) -> None:
    """
    The arguments are "done" though they are half; only the status of the item tells.
    """
    hold = threading.Event()
    provider.script([Calls(("add", LONG), hold=hold, hold_after=3), Says("Yes?")])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        events_until(connection, "response.function_call_arguments.delta")
        provider.sessions[0].hear("wait")
        got = events_until(connection, "response.done")
        then = events_until(connection, "response.done")

    assert "input_audio_buffer.speech_started" == got[0].type
    assert LONG[:8] == named(got, "response.function_call_arguments.done")[0].arguments
    assert "incomplete" == named(got, "response.output_item.done")[0].item.status
    assert "cancelled" == got[-1].response.status
    assert "turn_detected" == got[-1].response.status_details.reason
    assert "Yes?" == then[-1].response.output[0].content[0].transcript
    view = provider.sessions[0].active
    assert view is None


def test_whole_arguments_of_a_response_that_is_interrupted(provider: ProviderServer) -> None:
    """
    The trap: everything has come, and still it must not run.
    """
    hold = threading.Event()
    provider.script([Calls(("add", {"a": 1}), hold=hold, hold_after=4), Says("Yes?")])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        events_until(connection, "response.function_call_arguments.done")
        provider.sessions[0].hear("wait")
        got = events_until(connection, "response.done")
        events_until(connection, "response.done")  # of the next: what nobody reads delays the end

    assert "incomplete" == named(got, "response.output_item.done")[0].item.status


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("cancelled", "cancelled", "turn_detected"),
        ("length", "incomplete", "max_output_tokens"),
        ("refused", "incomplete", "content_filter"),
    ],
)
def test_a_scripted_end(finish: str, status: str, reason: str, provider: ProviderServer) -> None:
    provider.script([Calls(("add", {"a": 1}), finish=finish)])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        got = events_until(connection, "response.done")

    assert '{"a":1}' == named(got, "response.function_call_arguments.done")[0].arguments
    assert "incomplete" == got[-1].response.output[0].status
    assert (status, reason) == (
        got[-1].response.status,
        got[-1].response.status_details.reason,
    )


def test_the_client_cancels(provider: ProviderServer) -> None:
    hold = threading.Event()
    provider.script([Says("a long story", hold=hold, hold_after=4), Says("next")])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        events_until(connection, "response.content_part.added")
        connection.response.cancel()
        got = events_until(connection, "response.done")
        connection.response.create()
        then = events_until(connection, "response.done")

    assert "client_cancelled" == got[-1].response.status_details.reason
    assert "completed" == then[-1].response.status


def test_turn_detection_can_be_told_to_leave_it(provider: ProviderServer) -> None:
    detection = {"type": "server_vad", "create_response": False, "interrupt_response": False}
    session: Any = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    hold = threading.Event()
    provider.script([Says("a story", hold=hold, hold_after=1)])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.session.update(session=session)
        connection.response.create()
        events_until(connection, "response.created")
        provider.sessions[0].hear("hm")
        hold.set()
        got = events_until(connection, "rate_limits.updated")

    assert "completed" == named(got, "response.done")[0].response.status
    assert 0 == provider.unplayed


def test_a_response_aside_leaves_the_conversation_alone(provider: ProviderServer) -> None:
    hold = threading.Event()
    provider.script([Says("a story", hold=hold, hold_after=1), Says("aside")])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        events_until(connection, "response.created")
        connection.response.create(response={"conversation": "none", "metadata": {"for": "check"}})
        got = events_until(connection, "response.done")
        hold.set()
        events_until(connection, "response.done")

    assert {"for": "check"} == got[-1].response.metadata
    assert [] == named(got, "conversation.item.added")
    assert 1 == len(provider.sessions[0].conversation.items)


def test_a_connection_breaks(provider: ProviderServer) -> None:
    provider.script([Calls(("add", {"a": 1}), cut_after=3)])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        with pytest.raises(Exception, match="close frame"):
            events_until(connection, "response.done")


def test_the_session_tells_what_it_is_set_to(provider: ProviderServer) -> None:
    session: Any = {"type": "realtime", "tools": flat_tools(), "instructions": "Be brief."}
    provider.script([Says("ok")])
    with openai_client(provider).realtime.connect(model="gpt-realtime") as connection:
        connection.session.update(session=session)
        got = events_until(connection, "session.updated")[-1]
        connection.response.create()
        events_until(connection, "response.done")

    assert ["add", "multiply"] == [
        each["name"] for each in json.loads(got.to_json())["session"]["tools"]
    ]
    view = provider.requests[-1].view
    assert view is not None
    assert "Be brief." == view.instructions
