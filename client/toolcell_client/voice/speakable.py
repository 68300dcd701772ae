"""
Renders a JSON value so that it can be said.  Pure.

Theory of operation.  A voice can say a number, a short name and a list of a few things.  It cannot
say JSON, a table of fifty rows, an id of thirty characters or a link: those are shortened, counted
or left out, and what is left out is counted.  The result is bounded whatever the value is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from toolcell_client.voice.languages import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_client.voice.languages import Language

MOST_ITEMS = 5  # arbitrary: more than a listener remembers
MOST_CHARACTERS = 600  # about 40 seconds of speech
MOST_DEPTH = 4  # arbitrary; what is deeper is not said
LONGEST_TEXT = 300  # about 20 seconds of speech
_MARKUP = re.compile(r"[*_#`~|<>\[\]{}\\]+")
_LINK = re.compile(r"https?://(?:www\.)?([^/\s]+)\S*")
_ID = re.compile(r"\b(?=\w*\d)[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){2,}[0-9a-fA-F-]*\b")
UNITS = {
    "seconds": "seconds",
    "minutes": "minutes",
    "hours": "hours",
    "bytes": "bytes",
    "percent": "percent",
    "celsius": "degrees Celsius",
    "fahrenheit": "degrees Fahrenheit",
    "kilometers": "kilometers",
    "meters": "meters",
    "usd": "dollars",
    "eur": "euros",
}


def speakable(value: Any, language: Language = ENGLISH) -> str:
    """
    The value as text to say, of at most 600 characters.
    """
    text = _said(value, language, 0)
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[: MOST_CHARACTERS - 1].rpartition(" ")[0] + "…"


def _said(value: Any, language: Language, depth: int) -> str:
    match value:
        case None:
            return language.nothing
        case bool():
            return language.true if value else language.false
        case int() | float():
            return number(value)
        case str():
            return flat(value)
        case _ if depth >= MOST_DEPTH:
            return "…"
        case dict():
            pairs = [_pair(key, each, language, depth) for key, each in value.items()]
            return _listed(pairs, language)
        case list() | tuple():
            return _listed([_said(each, language, depth + 1) for each in value], language)
    return flat(str(value))


def number(value: float) -> str:
    """
    A number with at most two decimals, or in powers of ten where it is beyond words.
    """
    if isinstance(value, int) and value.bit_length() > 60:
        return f"{len(str(abs(value))) if value.bit_length() < 4000 else 'very many'} digits"
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  # NaN
        return "no number"
    if abs(value) >= 1e15 or (value and abs(value) < 0.005):
        return f"{value:.2e}"
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return "0" if text == "-0" else text


def flat(text: str) -> str:
    """
    A text without markup, links and ids, on one line.
    """
    cut = text[: 4 * LONGEST_TEXT]
    plain = _ID.sub("…", _LINK.sub(r"\1", cut))
    plain = "".join(each if each.isprintable() else " " for each in _MARKUP.sub(" ", plain))
    plain = " ".join(plain.split())
    return plain if len(plain) <= LONGEST_TEXT else plain[: LONGEST_TEXT - 1].rstrip() + "…"


def _pair(key: Any, value: Any, language: Language, depth: int) -> str:
    name = flat(str(key).replace("_", " "))
    said = _said(value, language, depth + 1)
    *front, last = name.split() or [""]
    if isinstance(value, int | float) and not isinstance(value, bool) and last.lower() in UNITS:
        return f"{' '.join(front) or last}: {said} {UNITS[last.lower()]}"
    return f"{name}: {said}"


def _listed(parts: Iterable[str], language: Language) -> str:
    found = [each for each in parts if each]
    if not found:
        return language.nothing
    shown, left = found[:MOST_ITEMS], len(found) - MOST_ITEMS
    if left > 0:
        shown.append(language.more.format(count=left))
    if len(shown) == 1:
        return shown[0]
    return f"{', '.join(shown[:-1])} {language.conjunction} {shown[-1]}"
