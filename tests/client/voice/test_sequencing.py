"""
One response at a time, and one for all results.
"""

from __future__ import annotations

from realtime_events import (
    calls,
    committed,
    created,
    done,
    error,
    item,
    item_done,
    message,
    says,
    speech,
)
from talking import Talk
from toolcell_client.voice.sequencing import ALREADY_ACTIVE


def test_one_response_is_asked_for_after_all_outputs() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1"), item("c2")))

    talk.end("c2")
    assert [] == talk.creates()
    talk.end("c1")

    assert ["session.update", *["conversation.item.create"] * 2, "response.create"] == [
        each["type"] for each in talk.sent
    ]


def test_calls_run_while_the_response_is_still_made_and_the_next_waits_for_its_end() -> None:
    talk = Talk()
    one = item("c1")
    talk.hear(created("r1"), item_done("r1", one))

    assert ["c1"] == [each.key for each in talk.executed]
    talk.end("c1")
    assert {"c1"} == talk.outputs().keys()
    assert [] == talk.creates()
    talk.hear(done("r1", one))

    assert 1 == len(talk.creates())


def test_nothing_is_asked_for_while_another_response_is_active() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1")), created("r2"))

    talk.end("c1")
    assert [] == talk.creates()
    talk.hear(done("r2"))

    assert 1 == len(talk.creates())


def test_wishes_that_wait_become_one() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1")), *calls("r2", item("c2")), created("r3"))
    talk.end("c1")
    talk.end("c2")

    talk.hear(done("r3"))

    assert 1 == len(talk.creates())


def test_a_request_that_crossed_a_response_is_made_again_after_it() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1")))
    talk.end("c1")
    [first] = talk.creates()

    talk.hear(created("r2"), error(ALREADY_ACTIVE, first["event_id"]))
    assert 1 == len(talk.creates())
    talk.hear(done("r2"))

    assert 2 == len(talk.creates())
    assert first["event_id"] != talk.creates()[1]["event_id"]


def test_a_refusal_that_names_no_event_is_of_the_last_request() -> None:
    """
    The response that is active has not been seen at all.
    """
    talk = Talk()
    talk.hear(*calls("r1", item("c1")))
    talk.end("c1")

    talk.hear(error(ALREADY_ACTIVE))
    assert 1 == len(talk.creates())
    talk.hear(done("unseen"))

    assert 2 == len(talk.creates())


def test_another_error_ends_the_request_and_is_reported() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1")))
    talk.end("c1")

    talk.hear(error("invalid_value", talk.creates()[0]["event_id"]))
    talk.wait(100)

    assert 1 == len(talk.creates())
    assert ["invalid_value"] == [each["code"] for each in talk.reports]


def test_a_request_that_nobody_answers_is_made_once_more() -> None:
    talk = Talk(request_seconds=10)
    talk.hear(*calls("r1", item("c1")))
    talk.end("c1")

    for _ in range(5):
        talk.wait(10)

    assert 2 == len(talk.creates())


def test_a_response_to_the_users_turn_has_seen_the_results() -> None:
    """
    Otherwise the model would speak twice about the same.
    """
    talk = Talk()
    talk.hear(*calls("r1", item("c1")), created("r2"))
    talk.end("c1")

    talk.hear(done("r2"), speech("u1"), committed("u1"))
    made = len(talk.creates())
    talk.hear(*says("r3", "It is one."))
    talk.wait(60)

    assert made == len(talk.creates())


def test_after_the_users_turn_the_server_is_given_time_and_then_asked() -> None:
    """
    A program may have switched the server's own responses off.
    """
    talk = Talk()
    talk.hear(*calls("r1", item("c1")), created("r2"))
    talk.end("c1")

    talk.hear(speech("u1"), done("r2", status="cancelled"), committed("u1"))
    assert [] == talk.creates()
    talk.wait(1)

    assert 1 == len(talk.creates())


def test_a_response_without_calls_asks_for_nothing() -> None:
    talk = Talk()

    talk.hear(created("r1"), done("r1", message("Hello.")))

    assert ["session.update"] == [each["type"] for each in talk.sent]
