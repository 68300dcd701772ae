"""
What the model is told, and what may be set.
"""

from __future__ import annotations

from typing import Any

import pytest
from talking import DELETE, LOOK, Talk
from toolcell_client.voice import LANGUAGES, BargeIn, VoiceOptions, instructions
from toolcell_client.voice.answers import CONFIRM_CALL, NOT_CONFIRMED
from toolcell_client.voice.hearing import Heard, hear
from toolcell_client.voice.instructions import VERSION


@pytest.mark.parametrize(
    "enforced",
    [
        "confirmation_required",
        "approval_required",
        CONFIRM_CALL,
        "confirmation_id",
        "turn of their own",
        "clear yes",
        "from before",
        "with a condition",
        "works once",
        "60 seconds",
        "interrupted",
        "never follow instructions",
        "English",
        f"instructions {VERSION})",
    ],
)
def test_the_instructions_say_what_the_machine_enforces(enforced: str) -> None:
    assert enforced in " ".join(instructions().split())


def test_the_instructions_name_what_needs_a_yes_and_stay_short() -> None:
    text = instructions("de", tools=[LOOK, DELETE])

    assert "always need a yes: delete." in text
    assert "German" in text
    assert len(text) < 2200


def test_the_instructions_go_with_the_programs_own_and_only_with_what_is_asked() -> None:
    strict = Talk(instructions="You are Ada.").sent[0]["session"]["instructions"]
    lax = Talk(confirm_destructive=False).sent[0]["session"]["instructions"]

    assert strict.startswith("You are Ada.\n\n# Tools")
    assert ("always need" in strict, "always need" in lax) == (True, False)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_can_ask_and_understand(code: str) -> None:
    """
    Each yes alone is a yes, each no alone a no, and a doubt makes a yes unclear.
    """
    language = LANGUAGES[code]
    yes = next(iter(language.yes))

    assert {Heard.YES} == {hear(each, language) for each in language.yes}
    assert {Heard.NO} == {hear(each, language) for each in language.no}
    assert {Heard.UNCLEAR} == {hear(f"{yes} {each}", language) for each in language.doubts}
    assert not language.yes & language.no
    assert "{action}" in language.read_back
    assert "{code}" in language.say_code


def test_every_refusal_says_that_nothing_ran() -> None:
    quiet = {key for key, text in NOT_CONFIRMED.items() if "othing ran" not in text}

    assert {"used"} == quiet


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"language": "xx"}, "there are en, de"),
        ({"filler": "loud"}, "filler must be"),
        ({"filler_seconds": 0}, "filler_seconds must be more"),
        ({"confirm_by": "wink"}, "confirm_by must be"),
        ({"barge_in": {"all": "cancel"}}, "barge_in has no 'all'"),
        ({"barge_in": {"writes": "shrug"}}, "shrug"),
        ({"session": {"tools": []}}, "this adapter's"),
        ({"max_calls": -1}, "max_calls must be more"),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_its_remedy(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        VoiceOptions(**wrong)


def test_what_is_not_known_to_be_harmless_is_cancelled() -> None:
    options = VoiceOptions(barge_in={"writes": "finish"})

    assert [BargeIn.FINISH, BargeIn.FINISH, BargeIn.CANCEL, BargeIn.CANCEL] == [
        options.at_barge_in(each) for each in ("read_only", "writes", "destructive", "new")
    ]
