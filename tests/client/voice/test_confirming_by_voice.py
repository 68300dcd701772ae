"""
What destroys runs after a yes of the user, once, as it was asked for.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from realtime_events import calls, committed, error, event, item, says, speech, transcript
from talking import OK, WRITE, Talk
from toolcell_client.formats import OfferedTool
from toolcell_client.voice.awaiting import Required
from toolcell_client.voice.outgoing import MARK, READ_BACK
from toolcell_client.voice.sequencing import ALREADY_ACTIVE


def test_the_whole_way() -> None:
    talk = Talk()

    confirmation_id = talk.ask({"which": "old"})
    assert [] == talk.executed
    assert "delete logs with which old" in talk.read_back()
    talk.read_out()
    talk.answer("Yes, please.")
    assert talk.confirm(confirmation_id) is None

    [deed] = talk.executed
    assert ("delete", {"which": "old"}, True) == (deed.tool, deed.arguments, deed.confirmed)
    talk.end(deed.key)
    assert {"ok": True, "result": 1} == talk.outputs()["yes"]


def test_a_transcript_may_come_after_the_model_has_asked() -> None:
    """
    It is made beside the response.
    """
    talk = Talk()
    confirmation_id = talk.ask()
    talk.read_out()
    talk.hear(speech("u1"), committed("u1"))

    assert talk.confirm(confirmation_id) is None
    assert [] == talk.executed
    talk.hear(transcript("u1", "Yes."))

    assert 1 == len(talk.executed)


def test_without_a_transcript_nothing_runs() -> None:
    talk = Talk(transcript_seconds=4)
    confirmation_id = talk.ask()
    talk.read_out()
    talk.hear(speech("u1"), committed("u1"))
    talk.confirm(confirmation_id)

    talk.wait(4)

    assert ("confirmation_wait", []) == (talk.outputs()["yes"]["error"], talk.executed)


def test_a_no_closes_the_question() -> None:
    talk = Talk()
    confirmation_id = talk.ask()
    talk.read_out()
    talk.answer("No, don't.")

    assert "confirmation_denied" == talk.confirm(confirmation_id)["error"]
    talk.answer("Yes.", "u2")
    assert "confirmation_denied" == talk.confirm(confirmation_id, "c9", "r10")["error"]
    assert [] == talk.executed


def test_a_yes_with_a_condition_has_the_question_read_out_again() -> None:
    talk = Talk()
    confirmation_id = talk.ask()
    talk.read_out()
    talk.answer("Yes, but only from May.")

    assert "confirmation_not_a_clear_yes" == talk.confirm(confirmation_id)["error"]
    talk.read_out("read2")
    talk.answer("Yes.", "u2")
    talk.confirm(confirmation_id, "c9", "r10")

    assert ["c9"] == [each.key for each in talk.executed]


def test_the_time_for_an_answer_ends() -> None:
    talk = Talk(confirm_seconds=60)
    confirmation_id = talk.ask()
    talk.read_out()
    talk.answer("Yes.")
    talk.clock.now += 60

    assert "confirmation_expired" == talk.confirm(confirmation_id)["error"]
    assert [] == talk.executed


@pytest.mark.parametrize(("said", "runs"), [("yes four two one seven", 1), ("yes", 0)])
def test_digits_can_be_asked_for(said: str, runs: int) -> None:
    """
    A yes is what televisions say; four digits are not.
    """
    talk = Talk(confirm_by="code")
    talk.dialogue.confirmations._make_code = lambda: "4217"
    confirmation_id = talk.ask()
    assert "4 2 1 7" in talk.read_back()
    talk.read_out()

    talk.answer(said)
    talk.confirm(confirmation_id)

    assert runs == len(talk.executed)


def test_a_spoken_pin_goes_to_the_server_and_nowhere_else() -> None:
    talk = Talk(WRITE, confirm_by="pin")
    talk.hear(*calls("r1", item("c1", "write")))
    need = Required(kind="confirm", token="t", approval_id="a")
    talk.do(talk.dialogue.approval_needed("c1", need, talk.clock()))
    confirmation_id = talk.outputs()["c1"]["confirmation_id"]
    talk.read_out()
    talk.answer("Yes, two four six eight.")
    talk.confirm(confirmation_id)

    deed = talk.executed[-1]
    assert ("t", "2468") == (deed.token, deed.pin)
    assert "2468" not in repr(deed) + json.dumps(talk.sent)


def test_a_server_that_wants_a_confirmation_gets_the_one_that_was_given() -> None:
    """
    The user is not asked twice for one thing.
    """
    talk = Talk()
    confirmation_id = talk.ask()
    talk.read_out()
    talk.answer("Yes.")
    talk.confirm(confirmation_id)

    need = Required(kind="confirm", token="secret", approval_id="a")
    talk.do(talk.dialogue.approval_needed("yes", need, talk.clock()))

    assert ["", "secret"] == [each.token for each in talk.executed]
    talk.do(talk.dialogue.approval_needed("yes", need, talk.clock()))
    assert 2 == len(talk.executed)
    assert "secret" not in json.dumps(talk.sent)


def test_what_is_too_long_to_be_read_out_cannot_be_confirmed() -> None:
    """
    A cut question hides what it asks for.
    """
    talk = Talk()

    talk.hear(*calls("r1", item("c1", "delete", {"which": "x " * 300})))

    assert "too_long_to_confirm" == talk.outputs()["c1"]["error"]


def test_one_question_at_a_time() -> None:
    """
    A yes to two questions is a yes to nobody knows which.
    """
    talk = Talk()
    two = [item(f"c{index}", "delete", {"which": str(index)}) for index in (1, 2)]

    talk.hear(*calls("r1", *two))

    assert ["confirmation_required", "one_at_a_time"] == [
        each["error"] for each in talk.outputs().values()
    ]


def test_the_question_is_asked_after_a_crossing_response() -> None:
    talk = Talk()
    talk.ask()
    asked = talk.read_back()
    first = talk.creates()[-1]

    talk.hear(error(ALREADY_ACTIVE, first["event_id"]), *says("r2", "Hm."))

    assert asked == talk.read_back()
    assert first["event_id"] != talk.creates()[-1]["event_id"]


def test_where_the_server_plays_the_question_it_counts_from_the_end_of_that() -> None:
    talk = Talk()
    confirmation_id = talk.ask()
    played = {"response_id": "read"}
    talk.hear(event("output_audio_buffer.started", **played))
    talk.read_out()
    talk.answer("Yes.")

    assert "confirmation_not_read_out" == talk.confirm(confirmation_id)["error"]
    talk.read_out("read2")
    talk.answer("Yes.", "u2")
    talk.confirm(confirmation_id, "c9", "r10")
    assert 1 == len(talk.executed)


def test_what_somebody_else_approves_is_told_when_it_is_decided() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1", "write", {"which": "a"})))
    need = Required(kind="approve", token="t", approval_id="a1")
    talk.do(talk.dialogue.approval_needed("c1", need, talk.clock()))
    assert "Somebody else" in talk.outputs()["c1"]["say"]
    talk.hear(*says("r2", "Somebody else has to approve that."))
    [awaited] = talk.awaited

    talk.do(talk.dialogue.decided(awaited.key, talk.clock(), approved=True))
    deed = talk.executed[-1]
    assert ("t", {"which": "a"}) == (deed.token, deed.arguments)
    talk.end(deed.key, OK)

    assert talk.outputs()[awaited.key]["ok"]
    assert 2 == len(talk.creates())


def test_a_no_of_somebody_else_is_told_with_its_reason() -> None:
    talk = Talk()
    talk.hear(*calls("r1", item("c1", "write")))
    need = Required(kind="approve", token="t", approval_id="a1")
    talk.do(talk.dialogue.approval_needed("c1", need, talk.clock()))
    [awaited] = talk.awaited

    talk.do(talk.dialogue.decided(awaited.key, talk.clock(), approved=False, reason="Not today."))

    assert "Not today." == talk.outputs()[awaited.key]["message"]
    assert 1 == len(talk.executed)


def test_numbers_and_names_are_read_out_whole() -> None:
    schema: dict[str, Any] = {"type": "object"}
    pay = OfferedTool(name="pay_bill", parameters=schema, effects="destructive")
    talk = Talk(pay)

    talk.hear(
        *calls("r1", item("c1", "pay_bill", {"to_whom": "Zoë", "amount": 1250.5, "now": True}))
    )

    assert "run pay bill with to whom Zoë and amount 1250.5 and now true" in talk.read_back()
    assert {MARK: READ_BACK} == talk.creates()[-1]["response"]["metadata"]


@pytest.mark.parametrize("number", ["1250", "1,250", "twelve hundred and fifty"])
def test_a_number_may_be_written_in_the_transcript_as_it_is_said(number: str) -> None:
    talk = Talk()
    confirmation_id = talk.ask({"which": 1250})
    said = talk.read_back().replace("1250", number)
    talk.hear(*says("read", said, metadata={MARK: READ_BACK}))
    talk.answer("Yes.")
    talk.confirm(confirmation_id)

    assert 1 == len(talk.executed)
