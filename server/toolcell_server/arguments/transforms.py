"""
What may be done to a text before it is checked: `trim`, `lower`, `strip_control`, `nfc`,
`max_length:200`.  Pure.

They stand in a table of the manifest beside the schema and not in it: providers refuse schemas
with keywords that they do not know.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from toolcell_server.stream_safe import normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CUT: Final = re.compile(r"max_length:([1-9]\d{0,6})")
# Control characters but for tab and line ends, and what turns the direction of text.
CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def strip_control(text: str) -> str:
    """
    The text without control characters, but for tab and line ends.
    """
    return CONTROLS.sub("", text)


def nfc(text: str) -> str:
    """
    The text with each character composed (Unicode TR15), in the stream-safe form.
    """
    return normalized("NFC", text)


NAMED: Final[dict[str, Callable[[str], str]]] = {
    "trim": str.strip,
    "lower": str.lower,
    "strip_control": strip_control,
    "nfc": nfc,
}


def function(names: Sequence[str]) -> Callable[[str], str]:
    """
    All of these transforms, in this order, as one.

    Raises:
        ValueError: one is not known; the text lists those that are.
    """
    steps = [_one(name) for name in names]

    def whole(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return whole


def _one(name: str) -> Callable[[str], str]:
    if name in NAMED:
        return NAMED[name]
    if found := _CUT.fullmatch(name):
        return functools.partial(_cut, int(found[1]))
    listed = ", ".join([*NAMED, "max_length:N"])
    raise ValueError(f"the transform {name!r:.40} is not known; use {listed}")


def _cut(maximum: int, text: str) -> str:
    return text[:maximum]
