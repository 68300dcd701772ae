"""
Strict JSON: what a caller sends as arguments, read without surprises.  Pure.

Theory of operation.  `json.loads` is lenient where it hurts: it takes NaN, turns 1e999 into
infinity, keeps the last of two equal keys, takes half a surrogate pair, converts an integer of a
million digits in quadratic time, and answers 100,000 brackets with RecursionError.  So size and
depth are bounded before it sees a byte, by regular expressions that cannot backtrack, and hooks
stop it at the first leniency.  A hook does not know where it is; when one speaks, the text is read
a second time into pairs that keep every key, and walked to name the place.  Only bad input pays
for that.

Checked: equal to `json.loads` for whatever both take (tests, seeded).
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from toolcell_server.json_pointer import escape

MAXIMUM_DEPTH: Final = 64
MAXIMUM_DIGITS: Final = 4300  # what Python itself converts by default; more is quadratic

# A string, terminated or not; possessive, so that hostile quotes cost linear time.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_KEY_SHOWN: Final = 64
_BLOCK: Final = 4096


class NotStrictJson(ValueError):  # noqa: N818  # names what happened
    """
    Raised when bytes are not one strict JSON value.  `pointer` is the JSON pointer of the fault,
    empty when it has none; the text names the fault and the remedy, never a value.
    """

    def __init__(self, description: str, pointer: str = "") -> None:
        super().__init__(description)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class _Number:
    """
    A number that JSON or Python cannot hold; stands in its place while the fault is looked for.
    """

    fault: str


class _Pairs(list[tuple[str, Any]]):
    """
    A JSON object that keeps equal keys.
    """


def parse(data: bytes, maximum_bytes: int, maximum_depth: int = MAXIMUM_DEPTH) -> dict[str, Any]:
    """
    The object that `data` holds; no bytes at all are an empty object.

    Raises:
        NotStrictJson: as `parse_value`, or it is not an object.
    """
    value = parse_value(data or b"{}", maximum_bytes, maximum_depth)
    if not isinstance(value, dict):
        raise NotStrictJson('not a JSON object; wrap the value, as in {"name": value}')
    return value


def parse_value(data: bytes, maximum_bytes: int, maximum_depth: int = MAXIMUM_DEPTH) -> Any:
    """
    The value that `data` holds.

    Raises:
        NotStrictJson: too large, too deep, not UTF-8, not JSON, or lenient JSON.
    """
    if len(data) > maximum_bytes:
        raise NotStrictJson(
            f"{len(data)} bytes, and at most {maximum_bytes} are taken; send less, or name a file"
        )
    _check_depth(data, maximum_depth)
    value = _load(_decode(data))
    if _SURROGATE.search(data) and (fault := _first_fault(value, "")):
        raise NotStrictJson(*fault)
    return value


def _check_depth(data: bytes, maximum: int) -> None:
    if data.count(b"[") + data.count(b"{") <= maximum:
        return
    brackets = _STRING.sub(b"", data).translate(None, _NOT_BRACKETS)
    depth = 0
    for start in range(0, len(brackets), _BLOCK):  # so that hostile depth is found early
        steps = map(_STEP.__getitem__, brackets[start : start + _BLOCK])
        depths = list(itertools.accumulate(steps, initial=depth))
        if max(depths) > maximum:
            raise NotStrictJson(f"nested deeper than {maximum} levels; send a flatter value")
        depth = depths[-1]


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise NotStrictJson(f"not UTF-8 at byte {exc.start}; encode JSON as UTF-8") from None


def _load(text: str) -> Any:
    if text.startswith("\ufeff"):
        raise NotStrictJson("not JSON at line 1, column 1: a BOM; send one JSON value without it")
    try:
        return _decoder().decode(text)
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        raise NotStrictJson(f"not JSON at {where}: {exc.msg}; send one JSON value") from None
    except _Lenient:
        raise NotStrictJson(*_explain(text)) from None


@functools.cache
def _decoder() -> json.JSONDecoder:
    """
    The one that `json.loads` would make for each text.
    """
    return json.JSONDecoder(
        object_pairs_hook=_object,
        parse_constant=_stop,
        parse_float=_float,
        parse_int=_integer,
    )


class _Lenient(Exception):  # noqa: N818  # never leaves this file
    """
    Raised by a hook where `json.loads` would have gone on.
    """


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Lenient
    return value


def _stop(_: str) -> Any:
    raise _Lenient


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Lenient
    return value


def _integer(text: str) -> int:
    if len(text) > MAXIMUM_DIGITS:
        raise _Lenient
    return int(text)


def _explain(text: str) -> tuple[str, str]:
    """
    Description and pointer of the first fault in lenient JSON.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_constant=lambda name: _Number(f"{name} is not JSON; send null or a string"),
            parse_float=_float_or_fault,
            parse_int=_integer_or_fault,
        )
    except json.JSONDecodeError as exc:  # a hook spoke first, and worse follows
        return f"not JSON at line {exc.lineno}, column {exc.colno}: {exc.msg}", ""
    fault = _first_fault(value, "")
    assert fault is not None, "a hook raised, so there is a fault"
    return fault


def _float_or_fault(text: str) -> float | _Number:
    value = float(text)
    return _Number("too large for a 64-bit number; send a string") if math.isinf(value) else value


def _integer_or_fault(text: str) -> int | _Number:
    if len(text) > MAXIMUM_DIGITS:
        return _Number(f"an integer of more than {MAXIMUM_DIGITS} digits; send a string")
    return int(text)


def _first_fault(value: Any, pointer: str) -> tuple[str, str] | None:
    """
    Description and pointer of the first fault, depth first.  Depth is bounded by `_check_depth`.
    """
    match value:
        case _Number():
            return value.fault, pointer
        case str() if _has_lone_surrogate(value):
            return "half a surrogate pair; send both halves, or the character itself", pointer
        case _Pairs():
            return _fault_in_keys(value, pointer) or _fault_below(value, pointer)
        case dict():
            return _fault_in_keys(list(value.items()), pointer) or _fault_below(
                value.items(), pointer
            )
        case list():
            return _fault_below(enumerate(value), pointer)
    return None


def _fault_below(items: Any, pointer: str) -> tuple[str, str] | None:
    for key, value in items:
        # The pointer is made for a fault only: for every element it would be as long as the keys
        # above it, a product that a caller chooses.
        if fault := _first_fault(value, ""):
            return fault[0], f"{pointer}/{escape(str(key))}{fault[1]}"
    return None


def _fault_in_keys(pairs: list[tuple[str, Any]], pointer: str) -> tuple[str, str] | None:
    seen: set[str] = set()
    for key, _ in pairs:
        if _has_lone_surrogate(key):
            return "a key holds half a surrogate pair; send both halves", pointer
        if key in seen:
            return f"the key {json.dumps(key[:_KEY_SHOWN])} is there twice; send it once", pointer
        seen.add(key)
    return None


def _has_lone_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
