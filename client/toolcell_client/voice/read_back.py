"""
The sentence in which a call is read out before somebody says yes to it.  Pure.

Theory of operation.  It is made of the tool's own title and of every argument of this call, and not
of the refusal's summary, which is cut for a status line.  Names and numbers come whole: "delete
all" and "delete old" sound alike, so what is read out is what would run.  Nothing is left out: a
call that is too long to be read out cannot be confirmed by voice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell_client.voice.hearing import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.offered import OfferedTool
    from toolcell_client.voice.languages import Language

MOST_CHARACTERS = 400  # about half a minute of speech
ENOUGH = 0.8  # of the words; a number may be transcribed in words


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


def was_said(wanted: str, transcript: str) -> bool:
    """
    Whether a response said what it was to say.
    """
    expected, said = words(wanted), set(words(transcript))
    found = sum(each in said for each in expected)
    return bool(expected) and found >= ENOUGH * len(expected)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value, ensure_ascii=False)
