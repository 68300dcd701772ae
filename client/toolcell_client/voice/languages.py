"""
What is said to users, and which of their words mean yes, no and stop, by language.  Pure.

Theory of operation.  The machine must know a yes by itself: it may not ask the model what the user
said.  So the words are a table, and whatever is not in it is no yes.  Other languages are added by
whoever speaks them: build a `Language` and hand it to `VoiceOptions`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """
    Words are lower case, without accents and punctuation; phrases of several words are allowed.
    In the sentences, braces are filled in.
    """

    code: str
    name: str  # as the model is told it
    yes: frozenset[str]
    no: frozenset[str]
    doubts: frozenset[str]  # a yes beside one of them is none
    polite: frozenset[str]  # what may stand beside a yes
    digits: tuple[frozenset[str], ...]
    fillers: tuple[str, ...]
    read_back: str  # {action}
    say_code: str  # {code}
    say_pin: str
    with_values: str  # {tool}, {values}
    interrupted: str
    somebody_else: str
    approved: str
    denied: str
    orders: frozenset[str] = frozenset()  # a yes that may also be an order for something else
    true: str = "yes"
    false: str = "no"
    nothing: str = "nothing"
    conjunction: str = "and"
    more: str = "{count} more"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split("|"))


def _digits(words: str) -> tuple[frozenset[str], ...]:
    return tuple(map(_set, words.split(",")))


ENGLISH = Language(
    code="en",
    name="English",
    yes=frozenset(
        {"yes", "yeah", "yep", "correct", "confirm", "confirmed", "i confirm", "go ahead", "do it"}
    ),
    no=_set("no|nope|not|dont|never|stop|cancel|abort|wrong|wait|hold on|nothing|leave it"),
    doubts=_set(
        "but|only|except|instead|maybe|perhaps|later|what|which|who|if|or|said|says|another"
        "|actually|rather|sure about|unless|until|before|also"
    ),
    polite=_set("please|thanks|thank you|okay|ok|sure|that is|thats|right|it is|i|now"),
    digits=_digits("0|zero|oh,1|one,2|two,3|three,4|four,5|five,6|six,7|seven,8|eight,9|nine"),
    fillers=(
        "I am still working on that.",
        "One moment, please.",
        "This is taking a little longer; I am still at it.",
    ),
    read_back="Please confirm. I am about to {action}. Shall I do it, yes or no?",
    say_code="To confirm, say yes and the digits {code}.",
    say_pin="To confirm, say yes and your PIN.",
    with_values="run {tool} with {values}",
    interrupted="I stopped that, and it may be partly done.",
    somebody_else="Somebody else has to approve that first. I will tell you when it is decided.",
    approved="That has been approved.",
    denied="That was not approved.",
    orders=_set("correct|confirm|do it"),
)

GERMAN = Language(
    code="de",
    name="German",
    yes=frozenset({"ja", "jawohl", "genau", "richtig", "bestatigt", "ich bestatige", "mach das"}),
    no=_set("nein|ne|nicht|nie|kein|keine|stopp|stop|halt|abbrechen|falsch|warte|lass das"),
    doubts=_set(
        "aber|nur|ausser|stattdessen|vielleicht|spater|was|welche|wer|wenn|oder|sagt|sagte"
        "|eigentlich|lieber|sicher dass|bis|bevor|auch"
    ),
    polite=_set("bitte|danke|okay|ok|gerne|gern|das stimmt|jetzt|so"),
    digits=_digits(
        "0|null,1|eins|ein,2|zwei|zwo,3|drei,4|vier,5|funf,6|sechs,7|sieben,8|acht,9|neun"
    ),
    fillers=(
        "Ich bin noch dabei.",
        "Einen Moment, bitte.",
        "Das dauert etwas länger, ich arbeite noch daran.",
    ),
    read_back="Bitte bestätigen. Ich werde {action}. Soll ich das tun, ja oder nein?",
    say_code="Zum Bestätigen sagen Sie ja und die Ziffern {code}.",
    say_pin="Zum Bestätigen sagen Sie ja und Ihre PIN.",
    with_values="{tool} ausführen, mit {values}",
    interrupted="Das habe ich abgebrochen; vielleicht ist es zum Teil geschehen.",
    somebody_else="Das muss erst jemand anderes genehmigen. Ich sage Bescheid, wenn es soweit ist.",
    approved="Das wurde genehmigt.",
    denied="Das wurde nicht genehmigt.",
    orders=_set("mach das"),
    true="ja",
    false="nein",
    nothing="nichts",
    conjunction="und",
    more="{count} weitere",
)

LANGUAGES = {each.code: each for each in (ENGLISH, GERMAN)}


def language_of(language: str | Language) -> Language:
    """
    Raises:
        ValueError: no language has that code; says what to do instead.
    """
    if isinstance(language, Language):
        return language
    if language not in LANGUAGES:
        raise ValueError(
            f"language {language!r} has no table of words here; there are {', '.join(LANGUAGES)}."
            " Build a toolcell_client.voice.Language and give that"
        )
    return LANGUAGES[language]
