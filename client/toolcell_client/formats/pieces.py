"""
What comes in pieces from a model, whole again and within bounds.  Pure.

Theory of operation.  Whoever streams decides how much comes and where it is cut, so both are taken
as hostile.  A `Room` says how many bytes of UTF-8 all that shares it may take; what comes beyond is
dropped, and the `Room` says so.  Text may be cut between the two halves (UTF-16) of one character:
as Python strings the halves stay two, and no UTF-8 encoder takes them.  `Pieces` holds a first half
back until the second comes; a half that stays alone becomes U+FFFD.
"""

from __future__ import annotations

import json
from typing import Any

# Arbitrary, and above what any model writes in one response.  All per response.
CALLS = 128
NAME_CHARACTERS = 256  # of a call's name or id
ARGUMENT_BYTES = 4 * 2**20  # of all calls together
TEXT_BYTES = 4 * 2**20
VERBATIM_BYTES = 8 * 2**20  # of what goes back as it came
VERBATIM_DEPTH = 200  # above what the server takes; pydantic, of google-genai, writes 255
OBJECT_BYTES = 256  # what each value of those counts besides its text
MOST_TOKENS = 2**53  # what any JSON reader holds, and above any context

REPLACEMENT = "\ufffd"


class Room:
    """
    How many bytes may still come.  `full` once something was dropped.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.left = limit_bytes
        self.full = False

    def take(self, text: str) -> str:
        """
        As much of the text as fits.
        """
        data = text.encode()
        if self.full or len(data) > self.left:
            data = b"" if self.full else data[: self.left]
            self.full = True
        self.left -= len(data)
        return data.decode(errors="ignore")

    def enter(self, text: str) -> bool:
        """
        Whether a value with this text fits whole; if not, nothing of it is taken.
        """
        size = len(text.encode()) + OBJECT_BYTES
        self.full = self.full or size > self.left
        self.left -= 0 if self.full else size
        return not self.full


class Pieces:
    """
    One text.  `cut`: its end did not fit.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._written: list[str] = []
        self._half = ""
        self.cut = False

    def add(self, piece: object) -> str:
        """
        Take a piece, and return what can be read since the last; what is no text is none.
        """
        if not isinstance(piece, str) or not piece or self.cut:
            return ""
        text = self._half + piece
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        text = mended(text[:-1] if self._half else text)
        kept = self._room.take(text)
        self.cut = kept != text
        self._written.append(kept)
        return kept

    def __str__(self) -> str:
        rest = REPLACEMENT if self._half and not self.cut else ""
        return "".join(self._written) + rest


def mended(text: str) -> str:
    """
    The text with halves of characters joined, or replaced where they are alone.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def verbatim(value: Any, room: Room) -> Any:
    """
    A copy that can be sent: mended, and JSON throughout.  None where that cannot be, or where it
    does not fit, or is so deep that an SDK would fail to send it in each request to come.
    """
    if too_deep_to_send(value):
        return None
    try:
        text = mended(json.dumps(value, ensure_ascii=False, allow_nan=False))
        return json.loads(text) if room.enter(text) else None
    except (TypeError, ValueError, RecursionError):
        return None


def argument_text(written: Any) -> str:
    """
    Arguments as JSON text.  Some servers send an object where text is asked for, or nothing.
    """
    if written is None or isinstance(written, str):
        return written or ""
    try:
        return json.dumps(written, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return f"<{type(written).__name__}>"  # no JSON, as it must be


def short(value: object) -> str:
    """
    A name or an id; "" where it is none.
    """
    return mended(value)[:NAME_CHARACTERS] if isinstance(value, str) else ""


def count(value: object) -> int:
    """
    A number of tokens; 0 where it is none.  What no response takes is cut, so that sums of it stay
    numbers that can be written.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(value, 0), MOST_TOKENS)


def too_deep_to_send(value: Any) -> bool:
    """
    Whether some SDK would fail to write it; by levels, so that depth costs no stack.
    """
    level = [value]
    for _ in range(VERBATIM_DEPTH):
        level = [
            below
            for each in level
            if isinstance(each, dict | list)
            for below in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)
