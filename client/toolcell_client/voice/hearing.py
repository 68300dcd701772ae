"""
Whether a transcript is a yes, a no, or neither.  Pure.

Theory of operation.  A transcript is a rough guide to what somebody near the microphone said, and
here it decides whether something is deleted.  So a yes is narrow: at least one word of the yes
table, and every other word harmless (courtesies, digits, the question's own words).  A no is wide:
one word of the no table anywhere.  All the rest is unclear, and unclear is not yes: "yes but only
the old ones", "did you say yes?", a sentence of the television that holds a yes.  A transcript
cannot say who spoke.

A microphone hears the question too, and the question holds words of yes ("say yes and the digits").
So a yes must stand outside of what repeats the question, two words or more in its order.  A figure
that the question has not is another amount.  And a yes that is also an order ("correct it",
"confirm with Bob") is none beside words of the question.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_client.voice.languages import Language

MOST_CHARACTERS = 2_000  # of a transcript that is looked at; a longer one is no yes
_APOSTROPHE = re.compile(r"['`\u2019\u02bc]")
_WORD = re.compile(r"[^\W_]+")


class Heard(StrEnum):
    """
    What somebody said to a question.
    """

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"
    NOTHING = "nothing"  # noise, or a courtesy


def hear(
    transcript: str, language: Language, question: str = "", figures: str | None = None
) -> Heard:
    """
    What the transcript says to a question of yes or no; words of the question may be repeated.

    Parameters:
        figures: digits that may be said beside those of the question; None: any.
    """
    if len(transcript) > MOST_CHARACTERS:
        return Heard.UNCLEAR
    text = " ".join(words(transcript))
    if not text:
        return Heard.NOTHING
    if _has(text, language.no):
        return Heard.NO
    if not _without(text, language.polite):
        return Heard.NOTHING
    if _has(text, language.doubts) or "?" in transcript:
        return Heard.UNCLEAR
    asked = words(question)
    if text not in language.yes and not _has(_beside(text.split(), asked), language.yes):
        return Heard.UNCLEAR
    if figures is not None and _has_other_figures(text.split(), asked, figures, language):
        return Heard.UNCLEAR
    harmless = language.yes | language.polite | frozenset().union(*language.digits)
    if not _has(text, language.orders):
        harmless |= frozenset(asked)
    return Heard.YES if not _without(text, harmless) else Heard.UNCLEAR


def says_stop(transcript: str, language: Language) -> bool:
    """
    Whether a word of refusal is in it.
    """
    return _has(" ".join(words(transcript[:MOST_CHARACTERS])), language.no)


def digits(transcript: str, language: Language) -> str:
    """
    The digits in it, spoken or written, as one text.
    """
    return "".join(_figure(word, language) for word in words(transcript[:MOST_CHARACTERS]))


def words(text: str) -> list[str]:
    """
    The words of a text, lower case, without accents, apostrophes and punctuation.
    """
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in folded if not unicodedata.combining(each))
    return _WORD.findall(_APOSTROPHE.sub("", bare))


def _figure(word: str, language: Language) -> str:
    if word.isascii() and word.isdigit():
        return word
    named = (str(digit) for digit, names in enumerate(language.digits) if word in names)
    return next(named, "")


def _has_other_figures(said: list[str], asked: list[str], figures: str, language: Language) -> bool:
    found = [(word, _figure(word, language)) for word in said]
    return any(
        word not in asked and figure not in asked and not (figure and figure in figures)
        for word, figure in found
        if figure or word.isdigit()
    )


def _beside(said: list[str], asked: list[str]) -> str:
    """
    What was said, without what repeats two words or more of the question.
    """
    question, left, place = f" {' '.join(asked)} ", [], 0
    while place < len(said):
        end = place + 1
        while end < len(said) and f" {' '.join(said[place : end + 1])} " in question:
            end += 1
        repeats = end > place + 1
        left.append("|" if repeats else said[place])
        place = end if repeats else place + 1
    return " ".join(left)


def _has(text: str, phrases: Iterable[str]) -> bool:
    return any(f" {each} " in f" {text} " for each in phrases)


def _without(text: str, phrases: Iterable[str]) -> str:
    padded = f" {text.replace(' ', '  ')} "
    for each in sorted(phrases, key=len, reverse=True):
        padded = padded.replace(f" {each.replace(' ', '  ')} ", " ")
    left = [word for word in padded.split() if not word.isdigit()]
    return " ".join(left)
