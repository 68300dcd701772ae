"""
Every call of a response gets one output, whatever happens; what is interrupted ends.
"""

from __future__ import annotations

from typing import Any

import pytest
from realtime_events import (
    calls,
    created,
    done,
    event,
    item,
    item_done,
    message,
    says,
    session_created,
    speech,
    user_says,
)
from talking import OK, Talk
from toolcell_client.voice.answers import Told
from toolcell_client.voice.options import BargeIn


def truncated(item_id: str) -> dict[str, Any]:
    kind = "conversation.item.truncated"
    return event(kind, item_id=item_id, content_index=0, audio_end_ms=10)


def test_an_incomplete_call_is_answered_and_never_executed() -> None:
    talk = Talk()
    half = item("c1", "write", '{"a"', status="incomplete")

    talk.hear(created("r1"), item_done("r1", half), done("r1", half, status="cancelled"))

    assert [] == talk.executed
    assert "cancelled" == talk.outputs()["c1"]["error"]
    assert [] == talk.creates()


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [("nope", {}, "unknown_tool"), ("look", "{no", "malformed"), ("look", "[1]", "malformed")],
)
def test_a_bad_call_is_answered_and_the_model_goes_on(
    name: str, arguments: Any, problem: str
) -> None:
    talk = Talk()

    talk.hear(*calls("r1", item("c1", name, arguments)))

    assert problem == talk.outputs()["c1"]["error"]
    assert 1 == len(talk.creates())


def test_a_call_that_comes_twice_runs_once() -> None:
    talk = Talk()

    talk.hear(*calls("r1", item("c1")), *calls("r2", item("c1")))
    talk.end("c1")
    talk.hear(*calls("r3", item("c1")))

    assert 1 == len(talk.executed)
    assert {"c1"} == talk.outputs().keys()


@pytest.mark.parametrize("name", ["write", "delete"])
def test_who_speaks_cancels_what_writes_or_destroys(name: str) -> None:
    talk = Talk(confirm_destructive=False)
    talk.hear(*calls("r1", item("c1", name)))

    talk.hear(speech("u1"))

    assert ["c1"] == talk.cancelled
    assert "not known" in talk.outputs()["c1"]["message"]
    talk.end("c1")  # it had crossed the cancellation
    talk.hear(*user_says("u1", "What time is it?")[1:], *says("r2", "Noon."))
    talk.wait(60)
    assert [] == talk.creates()


def test_what_only_reads_goes_on_and_is_told_silently() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1")))

    talk.hear(*user_says("u1", "And tomorrow?"), *says("r2", "One moment."))
    talk.end("c1")
    talk.wait(60)

    assert ([], []) == (talk.cancelled, talk.creates())
    assert talk.outputs()["c1"]["ok"]


@pytest.mark.parametrize(("said", "ended"), [("stop!", ["c1"]), ("thank you", [])])
def test_a_word_of_refusal_can_be_what_cancels(said: str, ended: list[str]) -> None:
    talk = Talk(barge_in={"writes": BargeIn.ASK})
    talk.hear(*calls("r1", item("c1", "write")))

    talk.hear(*user_says("u1", said))

    assert ended == talk.cancelled


def test_a_cancelled_response_cancels_its_own_calls_alone() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1", "write")))
    one = item("c2", "write")
    talk.hear(created("r2"), item_done("r2", one), done("r2", one, status="cancelled"))

    assert ["c2"] == talk.cancelled


def test_truncated_speech_cancels_what_was_running_then() -> None:
    """
    A program without voice activity detection tells of an interruption in this way only.
    """
    talk = Talk()
    one = item("c1", "write")
    spoken = message("I am writing.", "item_m")
    talk.hear(created("r1"), item_done("r1", spoken), item_done("r1", one, 1))
    talk.hear(done("r1", spoken, one), *calls("r2", item("c2", "write")))

    talk.hear(truncated("item_m"))

    assert ["c1"] == talk.cancelled


def test_a_call_that_comes_after_the_user_has_begun_to_speak_does_not_run() -> None:
    talk = Talk()
    one, two = item("c1", "write"), item("c2", "look")

    talk.hear(created("r1"), speech("u1"), item_done("r1", one), item_done("r1", two))

    assert ["c2"] == [each.key for each in talk.executed]
    assert "cancelled" == talk.outputs()["c1"]["error"]


def test_calls_beyond_the_room_wait_and_too_many_are_refused() -> None:
    talk = Talk(max_concurrent_calls=1, max_calls=2)

    talk.hear(*calls("r1", item("c1"), item("c2"), item("c3")))
    assert ["c1"] == [each.key for each in talk.executed]
    assert "too_many_calls" == talk.outputs()["c3"]["error"]
    talk.end("c1")

    assert ["c1", "c2"] == [each.key for each in talk.executed]


def test_a_refusal_comes_with_its_spoken_sentence() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1")))

    talk.end("c1", Told({"ok": False, "error": "no"}, "I am not allowed to do that."))

    assert "I am not allowed to do that." == talk.outputs()["c1"]["say"]


def test_a_long_result_is_told_as_what_can_be_said() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1")))

    talk.end("c1", Told({"ok": True, "result": ["x" * 100] * 1000}))

    assert len(str(talk.outputs()["c1"])) < 1000
    assert "995 more" in talk.outputs()["c1"]["result"]


def test_other_tools_are_offered_when_no_response_is_active_and_only_the_last() -> None:
    talk = Talk()
    tools = talk.dialogue._room.toolset
    talk.hear(created("r1"))

    for names in (("look",), ("look", "write")):
        offered = type(tools)(tools.tools[each] for each in names)
        talk.do(talk.dialogue.offer(offered, talk.clock()))
    assert 1 == len(talk.sent)
    talk.hear(item_done("r1", item("c1", "delete")), done("r1", item("c1", "delete")))

    updates = [each["session"]["tools"] for each in talk.sent if each["type"] == "session.update"]
    assert [4, 3] == list(map(len, updates))
    assert "confirmation_required" == talk.outputs()["c1"]["error"]


def test_the_same_tools_are_not_sent_again() -> None:
    talk = Talk()

    talk.do(talk.dialogue.offer(talk.dialogue._room.toolset, talk.clock()))

    assert 1 == len(talk.sent)


def test_a_connection_that_was_made_again_is_told_everything_again() -> None:
    """
    Its conversation knows neither the tools nor the calls.
    """
    talk = Talk()
    talk.hear(session_created(), created("r0"), item_done("r0", item("c0")))
    confirmation_id = talk.ask()
    talk.end("c0")

    talk.hear(session_created())

    assert "session.update" == talk.sent[-1]["type"]
    assert 2 == sum(each["type"] == "session.update" for each in talk.sent)
    assert "confirmation_closed" == talk.confirm(confirmation_id)["error"]
    talk.hear(*calls("r2", item("c2")))
    talk.hear(session_created())
    talk.end("c2")
    assert (["c2"], False) == (talk.cancelled, "c2" in talk.outputs())


def test_the_end_cancels_everything() -> None:
    talk = Talk(max_concurrent_calls=1)
    talk.hear(*calls("r1", item("c1"), item("c2")))

    talk.do(talk.dialogue.close())
    talk.end("c1", OK)

    assert (["c1"], {}) == (talk.cancelled, talk.outputs())


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "response.done"},
        {"type": "response.done", "response": 3},
        {"type": "response.output_item.done", "response_id": "r1", "item": None},
        {"type": "error"},
        {"type": "input_audio_buffer.committed"},
        {},
        3,
    ],
)
def test_an_event_that_cannot_be_read_is_reported_and_the_session_goes_on(broken: Any) -> None:
    talk = Talk()

    talk.hear(broken)
    talk.hear(*calls("r2", item("c1")))

    assert 1 == len(talk.executed)
    assert (broken == {}) == (talk.reports == [])
