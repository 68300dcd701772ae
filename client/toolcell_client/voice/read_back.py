"""
The sentence in which a call is read out before somebody says yes to it.  Pure.

Theory of operation.  It is made of the tool's own title and of every argument of this call, and not
of the refusal's summary, which is cut for a status line.  Names and numbers come whole: "delete
all" and "delete old" sound alike, so what is read out is what would run.  Nothing is left out: a
call that is too long to be read out cannot be confirmed by voice.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from toolcell_client.voice.hearing import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.offered import OfferedTool
    from toolcell_client.voice.languages import Language

MOST_CHARACTERS = 400  # about half a minute of speech
ENOUGH = 0.8  # arbitrary; of the words that are not arguments
WORDS_OF_A_DIGIT = 3  # "9" is one word, "9000" is two, "19 000" three


def sentence(tool: OfferedTool, arguments: Mapping[str, Any], language: Language) -> str | None:
    """
    What is read out; None: it is too long.
    """
    name = tool.title or tool.name.replace("_", " ")
    values = f" {language.conjunction} ".join(
        f"{key.replace('_', ' ')} {_value(each)}" for key, each in arguments.items()
    )
    action = language.with_values.format(tool=name, values=values or language.nothing)
    text = " ".join(language.read_back.format(action=action).split())
    if len(text) > MOST_CHARACTERS or not text.isprintable():
        return None
    return text


def was_said(
    wanted: str, arguments_json: str, transcript: str, no: frozenset[str] = frozenset()
) -> bool:
    """
    Whether a response said what it was to say: most of its words, every word of the arguments in
    their order, and little else, no word of `no` at all.  Numbers may be written out; if there are
    digits, they are the right ones.
    """
    expected, said = words(wanted), words(transcript)
    arguments = {each for each in words(arguments_json) if not each.isdigit()}
    in_order = iter([each for each in said if each in arguments])
    if not expected or not all(each in in_order for each in expected if each in arguments):
        return False
    figures = _figures(transcript)
    if figures and figures != _figures(wanted):
        return False
    added = Counter(each for each in said if not each.isdigit()) - Counter(expected)
    written_out = 0 if figures else WORDS_OF_A_DIGIT * len(_figures(wanted))
    spelled = [each for each in expected if not each.isdigit()]
    if no & added.keys() or added.total() > (1 - ENOUGH) * len(spelled) + written_out:
        return False
    return sum(each in said for each in spelled) >= ENOUGH * len(spelled)


def _figures(text: str) -> str:
    return "".join(each for each in text if each.isdigit())


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value, ensure_ascii=False)
