"""
Arguments of a Gemini call that come in pieces.  Pure.

Source: `PartialArg` of `google/genai/types.py`: a JSONPath (RFC 9535) that names one value, and the
value, or the next piece of it if it is a string.  Vertex AI sends them where the request has
`streamFunctionCallArguments`; the Gemini API does not.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.pieces import Pieces, Room, mended, short

if TYPE_CHECKING:
    from collections.abc import Mapping

STEP = re.compile(
    r"\.(?P<name>[^.\[\]'\"]+)|\[(?P<index>[0-9]{1,6})\]"
    r"|\['(?P<single>(?:[^'\\]|\\.)*)'\]|\[\"(?P<double>(?:[^\"\\]|\\.)*)\"\]",
    re.DOTALL,
)
STEPS = 64  # the depth of arguments that the server takes


class BadPiece(ValueError):  # noqa: N818  # names what is wrong
    """
    Raised when a piece names no place, or has no value.
    """


class PartialArguments:
    """
    An object that grows by pieces.
    """

    def __init__(self, start: Mapping[str, Any], room: Room) -> None:
        self._room = room
        self._root: Any = dict(start)
        self._strings: dict[tuple[str | int, ...], Pieces] = {}

    def add(self, piece: Mapping[str, Any]) -> None:
        """
        Raises:
            BadPiece: it cannot be understood, or did not fit.
        """
        path = steps(piece.get("jsonPath"))
        if self._room.take(str(path)) != str(path):
            raise BadPiece("the arguments are too long")
        if not isinstance(piece.get("stringValue"), str):
            place(self._root, path, _scalar(piece))
            return
        written = self._strings.setdefault(path, Pieces(self._room))
        written.add(piece["stringValue"])
        if written.cut:
            raise BadPiece("the arguments are too long")
        if not piece.get("willContinue"):
            place(self._root, path, str(self._strings.pop(path)))

    def whole(self) -> dict[str, Any]:
        """
        Raises:
            BadPiece: a string has not ended.
        """
        if self._strings:
            raise BadPiece("a string has not ended")
        arguments: dict[str, Any] = self._root
        return arguments


def steps(path: object) -> tuple[str | int, ...]:
    """
    `$.foo.bar[0]` as ("foo", "bar", 0).
    """
    if not isinstance(path, str) or not path.startswith("$"):
        raise BadPiece("a piece has no path")
    taken: list[str | int] = []
    at = 1
    while at < len(path):
        found = STEP.match(path, at)
        if found is None or len(taken) >= STEPS:
            raise BadPiece(f"this is no path to a value: {short(path)}")
        taken.append(_step(found))
        at = found.end()
    if not taken or not isinstance(taken[0], str):
        raise BadPiece("arguments are an object")
    return tuple(taken)


def _step(found: re.Match[str]) -> str | int:
    if found["index"] is not None:
        return int(found["index"])
    if found["name"] is not None:
        return mended(found["name"])
    quoted = found["single"] if found["single"] is not None else found["double"]
    return mended(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))


def place(root: Any, path: tuple[str | int, ...], value: Any) -> None:
    """
    Put a value at its place; objects and arrays on the way are made, arrays only one longer.
    """
    held = root
    for step, following in pairwise(path):
        made: Any = [] if isinstance(following, int) else {}
        held = _put(held, step, made, replace=False)
    _put(held, path[-1], value, replace=True)


def _put(held: Any, step: str | int, value: Any, *, replace: bool) -> Any:
    if isinstance(step, str) and isinstance(held, dict):
        if replace or step not in held:
            held[step] = value
        return held[step]
    if not isinstance(step, int) or not isinstance(held, list) or step > len(held):
        raise BadPiece("a piece does not fit those before it")
    if step == len(held):
        held.append(value)
    elif replace:
        held[step] = value
    return held[step]


def _scalar(piece: Mapping[str, Any]) -> Any:
    if isinstance(piece.get("boolValue"), bool):
        return piece["boolValue"]
    number = piece.get("numberValue")
    if number is None and "nullValue" in piece:
        return None
    if not isinstance(number, int | float) or not _finite(number):
        raise BadPiece("a piece has no value")
    # It is a double on the wire: 3 comes as 3.0, and an integer was meant.
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an int of thousands of digits
        return False
