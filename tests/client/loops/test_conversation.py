"""
Conversations with a scripted model and a fake server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scripted_models import ScriptedModel, calls, complaints, says
from toolcell_client import Client, Conversation
from toolcell_client.loops.entries import CallAnswered
from toolcell_client.loops.events import Answered
from toolcell_client.loops.extracting import extraction_tool
from toolcell_client.loops.reply import Replied
from toolcell_client.testing import script

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

LOOK: tuple[str, str, Any] = ("c1", "look", {})


class Busy(Exception):  # noqa: N818  # stands for a provider's 429
    pass


def conversation(client: Client, model: ScriptedModel, **options: Any) -> Conversation:
    return Conversation(client, model, provider="openai", model_name="m", **options)


@pytest.fixture(autouse=True)
def tools(server: FakeServer) -> None:
    server.tool("look", script.completed("seen"))
    server.tool("fail", script.failed("broken"))


def test_the_model_is_asked_until_it_ends(server: FakeServer, client: Client) -> None:
    model = ScriptedModel(calls(LOOK), says("I see."))
    talk = conversation(client, model, instructions="Look.", extra={"temperature": 0})
    reply = talk.say("What is there?")
    assert (reply.text, reply.stop_reason, reply.ok, len(reply.turns)) == ("I see.", "end", True, 2)
    first, second = model.requests
    assert first["messages"] == [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": "What is there?"},
    ]
    assert (first["model"], first["temperature"]) == ("m", 0)
    assert [each["function"]["name"] for each in first["tools"]] == ["fail", "look"]
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "c1", "content": "seen"}
    assert [each["role"] for each in talk.history] == ["user", "assistant", "tool", "assistant"]
    assert (reply.usage.requests, reply.usage.tokens.input) == (2, 20)


@pytest.mark.parametrize(
    ("stop", "named"),
    [("length", "length"), ("content_filter", "refused"), ("new_word", "unknown")],
)
def test_other_ends_are_named(client: Client, stop: str, named: str) -> None:
    talk = conversation(client, ScriptedModel(says("Hm", stop=stop), says("Yes.")))
    assert talk.say("Well?").stop_reason == named
    assert talk.say("And?").ok


def test_a_refused_turn_executes_nothing(server: FakeServer, client: Client) -> None:
    """
    What a filter stopped may not even be a whole call.
    """
    talk = conversation(client, ScriptedModel(calls(LOOK, stop="content_filter"), says("No.")))
    assert talk.say("Do it.").stop_reason == "refused"
    assert server.requests == []
    assert talk.say("Why?").text == "No."


def test_a_call_that_was_cut_off_is_sent_again(server: FakeServer, client: Client) -> None:
    cut = calls(("c1", "look", '{"wh'), stop="length")
    talk = conversation(client, ScriptedModel(cut, calls(("c2", "look", {})), says("I see.")))
    assert talk.say("Look.").text == "I see."
    assert len(server.requests) == 1


def test_a_message_that_nobody_answered_is_taken_back(client: Client) -> None:
    model = ScriptedModel(Busy("429"), says("Hello."))
    talk = conversation(client, model)
    with pytest.raises(Busy):
        talk.say("Hi.")
    assert talk.history == []
    assert talk.retry().text == "Hello."
    assert [each["content"] for each in talk.history] == ["Hi.", "Hello."]
    assert [each.kind for each in talk.transcript] == ["user", "model_failed", "model", "ended"]


def test_another_message_may_follow_a_failure(client: Client) -> None:
    talk = conversation(client, ScriptedModel(Busy("429"), says("Hello.")))
    with pytest.raises(Busy):
        talk.say("Hi.")
    assert talk.say("Hello?").text == "Hello."
    assert [each["content"] for each in talk.history] == ["Hello?", "Hello."]


def test_what_has_run_is_not_forgotten_when_the_provider_fails(
    server: FakeServer, client: Client
) -> None:
    """
    To ask anew from the beginning would run the calls twice.
    """
    talk = conversation(client, ScriptedModel(calls(LOOK), Busy("429"), says("I see.")))
    with pytest.raises(Busy):
        talk.say("Look.")
    assert [each["role"] for each in talk.history] == ["user", "assistant", "tool"]
    assert talk.retry().text == "I see."
    assert len(server.requests) == 1


def test_nothing_to_retry_is_said(client: Client) -> None:
    talk = conversation(client, ScriptedModel(says("Hello.")))
    talk.say("Hi.")
    with pytest.raises(ValueError, match="nothing to retry"):
        talk.retry()


def test_a_program_that_is_interrupted_tells_the_model(server: FakeServer, client: Client) -> None:
    """
    Ctrl-C while a tool runs: it may have done something.
    """
    server.tool("stay", script.progress(0.5), script.HOLD)
    model = ScriptedModel(calls(("c1", "stay", {}), ("c2", "look", {})), says("I see."))
    talk = conversation(client, model)
    stream = talk.stream("Stay.")
    next(stream)
    while getattr(next(stream), "kind", "") != "progress":
        pass
    stream.close()
    assert complaints(talk.history) == []
    assert "may have run" in talk.history[2]["content"]
    assert talk.retry().text == "I see."


def test_what_was_answered_before_an_interruption_stays_answered(
    server: FakeServer, client: Client
) -> None:
    server.tool("stay", script.progress(0.5), script.HOLD)
    model = ScriptedModel(calls(LOOK, ("c2", "stay", {})), says("I see."))
    talk = conversation(client, model, labels={"a": "b"})
    with talk.stream("Look and stay.") as stream:
        assert any(isinstance(each, Answered) for each in stream)
    assert next(each["content"] for each in talk.history if each["role"] == "tool") == "seen"
    assert "may have run" in talk.history[-1]["content"]
    assert [each.outcome for each in talk.transcript if isinstance(each, CallAnswered)] == [
        "completed",
        "",
    ]


def test_data_is_extracted(client: Client) -> None:
    """
    Nothing runs; the arguments are the result.
    """
    schema = {"type": "object", "properties": {"total": {"type": "integer"}}}
    tools = client.toolset("look", extra=[extraction_tool("invoice", schema)])
    made = calls(("c1", "invoice", {"total": 3}), ("c2", "invoice", {"total": "x"}))
    talk = conversation(client, ScriptedModel(made, says("Done.")), tools=tools)
    reply = talk.say("Read it.")
    assert [each.value for each in reply.extracted] == [{"total": 3}]
    assert reply.text == "Done."


def test_definitions_are_strict_where_the_caller_says_so(client: Client) -> None:
    model = ScriptedModel(says("Hm."))
    conversation(client, model, strict="where_possible", tools=["look"]).say("Hi.")
    (tool,) = model.requests[0]["tools"]
    assert tool["function"]["strict"] is True


def test_a_stream_ends_with_the_reply(client: Client) -> None:
    talk = conversation(client, ScriptedModel(calls(LOOK), says("I see.")))
    stream = talk.stream("Look.")
    events = list(stream)
    assert isinstance(events[-1], Replied)
    assert stream.reply is events[-1].reply


def test_a_stream_that_was_closed_has_no_reply_and_gives_way(client: Client) -> None:
    talk = conversation(client, ScriptedModel(calls(LOOK), says("I see."), says("Yes.")))
    stream = talk.stream("Look.")
    next(stream)
    with pytest.raises(RuntimeError, match="going on"):
        talk.say("You?")
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        _ = stream.reply
    assert talk.say("You?").ok


def test_sequential_calls_run_in_their_order(server: FakeServer, client: Client) -> None:
    model = ScriptedModel(calls(LOOK, ("c2", "fail", {}), ("c3", "look", {})), says("Done."))
    conversation(client, model, parallel=False).say("Go.")
    assert model.requests[0]["parallel_tool_calls"] is False
    assert [each.call_id for each in server.requests] == ["c1", "c2", "c3"]


def test_an_empty_message_of_the_model_is_not_sent_back(client: Client) -> None:
    talk = conversation(client, ScriptedModel(says(""), says("Sorry.")))
    assert talk.say("Hi.").text == ""
    assert talk.say("Hello?").text == "Sorry."


def test_a_conversation_begins_with_a_history(client: Client) -> None:
    before = [{"role": "user", "content": "I am Ann."}, {"role": "assistant", "content": "Hello."}]
    model = ScriptedModel(says("Ann."))
    conversation(client, model, history=before).say("Who am I?")
    assert model.requests[0]["messages"][:2] == before


def test_turns_are_named_so_that_a_call_runs_once(server: FakeServer, client: Client) -> None:
    """
    Ids of calls that count from zero in every response name different calls.
    """
    talk = conversation(client, ScriptedModel(calls(LOOK), calls(LOOK), says("I see.")))
    talk.say("Look twice.")
    first, second = server.requests
    assert first.request_id != second.request_id


def test_an_unknown_option_is_refused_at_once(client: Client) -> None:
    with pytest.raises(TypeError, match="stepz"):
        conversation(client, ScriptedModel(), stepz=3)
    with pytest.raises(TypeError, match="list of names"):
        conversation(client, ScriptedModel(), tools="look")
