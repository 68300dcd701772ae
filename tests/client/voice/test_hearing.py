"""
A yes is narrow, a no is wide, and all the rest is unclear.
"""

from __future__ import annotations

import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client.voice.hearing import Heard, digits, hear, says_stop
from toolcell_client.voice.languages import ENGLISH, GERMAN, language_of

QUESTION = "I am about to run delete logs with which all. Shall I do it?"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Yes.", Heard.YES),
        ("yes, please", Heard.YES),
        ("Okay, go ahead!", Heard.YES),
        ("Yes, delete all logs.", Heard.YES),
        ("yes four two one seven", Heard.YES),
        ("No.", Heard.NO),
        ("Yes, no, wait", Heard.NO),
        ("Don't do it", Heard.NO),
        ("don\u2019t", Heard.NO),
        ("stop", Heard.NO),
        ("Yes, but only the old ones", Heard.UNCLEAR),
        ("Yes, delete old logs", Heard.UNCLEAR),
        ("Did you say yes?", Heard.UNCLEAR),
        ("and the crowd shouts yes to the new mayor", Heard.UNCLEAR),
        ("he said yes", Heard.UNCLEAR),
        ("okay", Heard.NOTHING),
        ("Thank you.", Heard.NOTHING),
        ("yesterday", Heard.UNCLEAR),
        ("", Heard.NOTHING),
        (" … ", Heard.NOTHING),
    ],
)
def test_what_is_a_yes(said: str, heard: Heard) -> None:
    assert heard is hear(said, ENGLISH, QUESTION)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Ja, bitte!", Heard.YES),
        ("Ich bestätige.", Heard.YES),
        ("Nein", Heard.NO),
        ("Ja, aber später", Heard.UNCLEAR),
        ("Das nicht", Heard.NO),
        ("yes", Heard.UNCLEAR),
    ],
)
def test_each_language_has_its_own_words(said: str, heard: Heard) -> None:
    assert heard is hear(said, GERMAN)


@few
@given(st.text())
def test_no_text_breaks_it_and_a_no_beats_a_yes(text: str) -> None:
    assert hear(f"{text} no yes", ENGLISH) in (Heard.NO, Heard.UNCLEAR)
    assert hear(text, ENGLISH) is not Heard.YES or "y" in text.casefold() or "o" in text.casefold()


def test_a_speech_is_no_yes_however_often_it_says_it() -> None:
    assert Heard.UNCLEAR is hear("yes " * 1000, ENGLISH)


@pytest.mark.parametrize(
    ("said", "found"),
    [("yes, four two 17", "4217"), ("It is oh nine.", "09"), ("yes", ""), ("\u0663", "")],
)
def test_digits_are_heard_as_words_and_as_figures(said: str, found: str) -> None:
    assert found == digits(said, ENGLISH)


def test_a_word_of_refusal_stops() -> None:
    assert (True, False) == (says_stop("please stop that", ENGLISH), says_stop("great", ENGLISH))


def test_an_unknown_language_is_said_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="there are en, de"):
        language_of("tlh")
