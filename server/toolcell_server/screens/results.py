"""
What a result may hold that acts on whoever shows it: HTML that runs, and control characters, which
terminals obey.  Pure.

A result is stripped as little as makes it harmless: of a text with acting HTML every `<` becomes
`&lt;`, of one with control characters they are removed, with the escape sequences that they begin.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import single_keys
from toolcell_server.arguments.places import pointer_of
from toolcell_server.arguments.transforms import CONTROLS
from toolcell_server.screens import looks_like
from toolcell_server.screens.readings import MAXIMUM, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.arguments.places import Trail

_SEQUENCES: Final = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,16}[@-~]"
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]{0,512}(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]{0,4}[0-~]"
)
_MOST_HITS: Final = 32
_WHOLE: Final = 128 * 1024  # characters of all texts together that are looked at for HTML

_SIGN: Final = re.compile("[<:%&\x80-\U0010ffff]")  # without one nothing acts, however decoded
_EACH: Final = 64  # of them, for each text: what it costs to begin


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What was found in a value, as (pointer, kind), and the value without it.
    """

    hits: tuple[tuple[str, str], ...]
    stripped: bytes


def look(data: bytes, kinds: tuple[str, ...]) -> Looked:
    """
    Look at one JSON value.  One that cannot be read (values that are yielded are not checked by
    anybody) and may hold what acts is a hit as a whole, and nothing is left of it.
    """
    if not _may_hold(data, kinds):
        return Looked((), data)
    try:
        value = single_keys.read(data)
    except single_keys.Unreadable:
        return Looked((("", "unreadable"),), b"null")
    looking = _Looking(kinds)
    stripped = looking.value(value, None)
    if not looking.hits:
        return Looked((), data)
    written = json.dumps(stripped, ensure_ascii=False, separators=(",", ":"))
    return Looked(tuple(looking.hits), written.encode("utf-8", "replace"))


def _may_hold(data: bytes, kinds: tuple[str, ...]) -> bool:
    """
    Written as they are, control characters stand in JSON from DEL on only; all others are escaped.
    """
    signs: dict[str, tuple[bytes, ...]] = {
        "html": (b"<", b"\\u", b":", b"%", b"&", b"\xef"),
        "control": (b"\\u", b"\\b", b"\\f", b"\x7f", b"\xc2", b"\xe2\x80", b"\xe2\x81"),
    }
    return any(sign in data for kind in kinds for sign in signs[kind])


class _Looking:
    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._ways: list[tuple[str, Callable[[str], str]]] = []
        if "control" in kinds:  # first: HTML may be cut up by what is invisible
            self._ways.append(("control", _without_controls))
        if "html" in kinds:
            self._ways.append(("html", self._without_html))
        self._left = _WHOLE
        self.hits: dict[tuple[str, str], None] = {}

    def value(self, value: Any, trail: Trail) -> Any:
        """
        The value without what was found.
        """
        match value:
            case str():
                return self._text(value, trail)
            case dict():
                return {
                    self._text(key, trail): self.value(part, (trail, key))
                    for key, part in value.items()
                }
            case list():
                return [self.value(part, (trail, index)) for index, part in enumerate(value)]
        return value

    def _text(self, text: str, trail: Trail) -> str:
        for kind, without in self._ways:
            kept = without(text)
            if kept != text and len(self.hits) < _MOST_HITS:
                self.hits[pointer_of(trail), kind] = None
            text = kept
        return text

    def _without_html(self, text: str) -> str:
        """
        Beyond what can be looked at, every text counts as one that acts.
        """
        if not _SIGN.search(text):
            return text  # as nearly all of them
        self._left -= len(text) + _EACH
        if self._left >= 0 and not _acts(text):
            return text
        return text.replace("<", "&lt;").replace("javascript:", "javascript&colon;")


def _acts(text: str) -> bool:
    """
    In pieces that overlap by more than any expression spans.
    """
    step = MAXIMUM // 2
    try:
        pieces = (text[at : at + MAXIMUM] for at in range(0, max(1, len(text) - step), step))
        return any(looks_like(piece, ("html",)) for piece in pieces)
    except Unreadable:
        return True


def _without_controls(text: str) -> str:
    if text.isprintable():
        return text  # as nearly all of them
    return CONTROLS.sub("", _SEQUENCES.sub("", text))
