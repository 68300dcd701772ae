"""
A provider or a model that says too much: what is kept of it, and what is sent for it, is bounded.
"""

from __future__ import annotations

from realtime_events import created, event, item, item_done, speech
from talking import Talk
from toolcell_client.voice.answers import CONFIRM_CALL
from toolcell_client.voice.outgoing import FILLER, MARK, READ_BACK

MANY = 400


def test_fillers_that_never_end_are_forgotten() -> None:
    """
    Else each word of the user would be answered with a cancellation of every one.
    """
    talk = Talk()
    for number in range(MANY):
        talk.hear(created(f"f{number}", metadata={MARK: FILLER}))
    before = len(talk.sent)
    talk.hear(speech("u1"))

    assert 8 >= len(talk.sent) - before


def test_a_yes_that_is_claimed_often_is_answered() -> None:
    """
    Before the transcript has come, a few claims wait for it; each is judged with every event.
    """
    talk = Talk()
    confirmation_id = talk.ask()
    talk.read_out()
    talk.hear(speech("u1"))
    asked = {"confirmation_id": confirmation_id, "phrase": "yes"}
    for number in range(MANY):
        talk.hear(item_done("r9", item(f"y{number}", CONFIRM_CALL, asked)))

    assert MANY - 8 <= sum(each.startswith("y") for each in talk.outputs())
    assert [] == talk.executed


def test_a_question_among_hundreds_of_items_has_not_been_asked() -> None:
    """
    Only so many items are remembered, and one that is not could be cut off unnoticed.
    """
    talk = Talk()
    confirmation_id = talk.ask()
    talk.hear(created("read", metadata={MARK: READ_BACK}))
    for number in range(MANY):
        added = {"id": f"item_{number}", "type": "message", "role": "assistant", "content": []}
        where = {"response_id": "read", "output_index": number}
        talk.hear(event("response.output_item.added", item=added, **where))
    talk.read_out()
    talk.answer("Yes.")

    assert "confirmation_not_read_out" == talk.confirm(confirmation_id)["error"]
