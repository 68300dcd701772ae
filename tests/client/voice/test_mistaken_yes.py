"""
Words that hold a yes and are none: the question's own echo, another amount, an order, a second
question.
"""

from __future__ import annotations

from typing import Any

import pytest
from realtime_events import calls, committed, created, done, event, item, message, says, speech
from realtime_events import transcript as transcribed
from talking import Talk
from toolcell_client.formats import OfferedTool
from toolcell_client.voice.answers import CONFIRM_CALL
from toolcell_client.voice.hearing import Heard, hear
from toolcell_client.voice.languages import ENGLISH, GERMAN
from toolcell_client.voice.outgoing import MARK, READ_BACK

ASKED = ENGLISH.read_back.format(action="run send mail with to Bob and count 50")
FAILED = "conversation.item.input_audio_transcription.failed"


@pytest.mark.parametrize(
    "said",
    [
        "Please confirm.",
        "Please confirm. I am about to run send mail with to Bob",
        "Shall I do it",
        "confirm i am about to",
        "Correct it, please.",
        "Confirm with Bob.",
        "Do it with Bob",
        "Yes, 15.",
        "Yes, five.",
        "yes \u0665\u0660",
    ],
)
def test_what_sounds_like_a_yes_and_is_none(said: str) -> None:
    assert Heard.UNCLEAR is hear(said, ENGLISH, ASKED, "")


@pytest.mark.parametrize("said", ["Yes.", "Yes, 50.", "Do it!", "Confirm.", "Yes, send to Bob"])
def test_a_yes_that_is_one(said: str) -> None:
    assert Heard.YES is hear(said, ENGLISH, ASKED, "")


@pytest.mark.parametrize("language", [ENGLISH, GERMAN], ids=lambda each: each.code)
@pytest.mark.parametrize("tail", [1, 3, 5, 6, 7, 8, 9, 30])
def test_the_echo_of_a_code_confirms_nothing(language: Any, tail: int) -> None:
    """
    The sentence says yes and the digits, in that order; as its end, however much of it is heard.
    """
    question = language.say_code.format(code="4 2 1 7")
    echo = " ".join(question.split()[-tail:])

    assert hear(echo, language, question, "4217") is not Heard.YES


def test_a_code_is_not_confirmed_by_the_question_in_the_loudspeaker() -> None:
    talk = Talk(confirm_by="code")
    confirmation_id = talk.ask()
    talk.read_out()
    talk.answer(talk.read_back().partition("no? ")[2])

    assert "confirmation_not_a_clear_yes" == talk.confirm(confirmation_id)["error"]
    assert [] == talk.executed


def test_a_yes_that_interrupts_another_question_is_a_yes_to_that() -> None:
    """
    The second question ends, cancelled, after the user has begun to answer it.
    """
    talk = Talk()
    confirmation_id = talk.ask()
    talk.read_out()
    half = message("Shall I also play some music?")
    talk.hear(created("r20"), speech("u1"), done("r20", half, status="cancelled"))
    talk.hear(committed("u1"), transcribed("u1", "Yes."))

    assert "confirmation_not_a_clear_yes" == talk.confirm(confirmation_id)["error"]
    assert [] == talk.executed


def test_what_could_not_be_transcribed_may_have_been_a_no() -> None:
    talk = Talk()
    confirmation_id = talk.ask()
    talk.read_out()
    fault = {"type": "x", "code": "x", "message": "x", "param": "x"}
    talk.hear(speech("u1"), committed("u1"))
    talk.hear(event(FAILED, item_id="u1", content_index=0, error=fault))
    talk.answer("Yes.", "u2")

    assert "confirmation_not_a_clear_yes" == talk.confirm(confirmation_id)["error"]
    assert [] == talk.executed


MOVE = OfferedTool(name="move", description="Moves.", parameters={}, effects="destructive")
ASKS = "Shall I do it, yes or no?"
WHOLE = "Please confirm. I am about to run move with from alice and to bob. {}"


@pytest.mark.parametrize(
    "instead",
    [
        WHOLE.format(f"{ASKS} Say yes and I will not run it."),
        WHOLE.format(f"{ASKS} If you would like to keep everything, say yes."),
        WHOLE.replace("alice and to bob", "bob and to alice").format(ASKS),
    ],
)
def test_a_question_that_was_turned_round_has_not_been_asked(instead: str) -> None:
    talk = Talk(MOVE)
    talk.hear(*calls("r1", item("c1", "move", {"from": "alice", "to": "bob"})))
    assert WHOLE.format(ASKS) == talk.read_back()
    talk.hear(*says("read", instead, metadata={MARK: READ_BACK}))
    talk.answer("Yes.")
    asked = {"confirmation_id": talk.outputs()["c1"]["confirmation_id"], "phrase": "yes"}
    talk.hear(*calls("r9", item("yes", CONFIRM_CALL, asked)))

    assert "confirmation_not_read_out" == talk.outputs()["yes"]["error"]
    assert [] == talk.executed
