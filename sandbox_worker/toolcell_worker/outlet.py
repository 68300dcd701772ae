"""
Where frames of a running tool go out: one at a time, and none after the last.

Tools may have threads; a frame that two of them wrote at once would be none.
"""

from __future__ import annotations

import json
import math
import threading
from typing import Any

import msgspec

from toolcell_worker import wire
from toolcell_worker.coercion import enc_hook
from toolcell_worker.errors import ResultInvalid, ResultTooLarge

UNLIMITED = wire.MAXIMUM_FRAME_BYTES
FURTHER = 32  # arbitrary; how deep a value is searched for what cannot be encoded


class Outlet:
    """
    The channel of one execution, by its descriptor.  Without a channel, as in a unit test of a
    tool, frames vanish.
    """

    def __init__(self, channel: int | None) -> None:
        self._channel = channel
        self._lock = threading.Lock()

    def send(self, kind: int, payload: bytes) -> None:
        with self._lock:
            if self._channel is not None:
                wire.write(self._channel, kind, payload)

    def send_last(self, kind: int, payload: bytes) -> None:
        """
        Send the frame that ends the execution; later ones of other threads vanish.
        """
        with self._lock:
            if self._channel is not None:
                wire.write(self._channel, kind, payload)
            self._channel = None


def encode(value: Any, maximum: int = UNLIMITED) -> bytes:
    """
    A value of the tool as JSON of at most `maximum` bytes.

    Raises:
        ResultInvalid: it is not a JSON value; the text names the type and where it is.
        ResultTooLarge: it is too large.
    """
    if value is None:
        return b"null"
    try:
        encoded = msgspec.json.encode(value, enc_hook=enc_hook)
    except (TypeError, ValueError, NotImplementedError, RecursionError, OverflowError) as exc:
        raise ResultInvalid(_complaint(value, "$", FURTHER) or str(exc)) from None
    # NaN and infinity become null: only where there is a null can there have been one.
    if b"null" in encoded and (found := _not_finite(value)):
        raise ResultInvalid(found)
    if len(encoded) > maximum:
        raise ResultTooLarge(f"{len(encoded)}", maximum)
    return encoded


def legible(text: str, maximum: int) -> str:
    """
    The text without lone surrogates (undecodable file names have them), at most so many
    characters.
    """
    if len(text) > maximum:
        text = text[: maximum - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


def _not_finite(value: Any) -> str:
    plain = msgspec.to_builtins(value, str_keys=True, enc_hook=enc_hook)
    try:
        json.dumps(plain, allow_nan=False)  # nearly always passes, and fast
    except (ValueError, RecursionError):
        return _complaint(plain, "$", FURTHER)
    return ""


def _complaint(value: Any, where: str, depth: int) -> str:
    """
    What is wrong with a value, and where in it; empty if nothing is found.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} at {where} is not a JSON number; return None or a string instead"
    if isinstance(value, str):
        return "" if value.isascii() else _surrogate(value, where)
    if value is None or isinstance(value, int | float):
        return ""
    if depth == 0:
        return f"the value at {where} is nested too deeply, or contains itself"
    if isinstance(value, dict):
        return _complaint_in_dict(value, where, depth - 1)
    if isinstance(value, list | tuple | set | frozenset):
        found = (_complaint(v, f"{where}[{i}]", depth - 1) for i, v in enumerate(value))
        return next(filter(None, found), "")
    return _complaint_about_object(value, where, depth)


def _complaint_in_dict(value: dict[Any, Any], where: str, depth: int) -> str:
    for key, item in value.items():
        if not isinstance(key, str | int | float):
            return f"the key {key!r:.50} at {where} is of type {type(key).__name__}, not a string"
        if found := _complaint(item, f"{where}.{key}", depth):
            return found
    return ""


def _complaint_about_object(value: Any, where: str, depth: int) -> str:
    try:
        plain = msgspec.to_builtins(value, builtin_types=(), enc_hook=enc_hook)
    except (TypeError, ValueError, NotImplementedError, RecursionError):
        fields = getattr(value, "__dict__", None) or getattr(value, "__struct_fields__", None)
        if isinstance(fields, tuple):
            fields = {name: getattr(value, name, None) for name in fields}
        supported = hasattr(value, "__struct_fields__") or hasattr(value, "__dataclass_fields__")
        if supported and isinstance(fields, dict):
            return _complaint_in_dict(fields, where, depth - 1)
        name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        return (
            f"the value at {where} is of type {name}, which has no JSON form; return str, int,"
            " float, bool, None, a list, a dict, a dataclass or a msgspec.Struct"
        )
    return "" if isinstance(plain, str) else _complaint(plain, where, depth - 1)


def _surrogate(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        return (
            f"the text at {where} has a lone surrogate at character {exc.start}, which is not"
            ' Unicode; use .encode("utf-8", "replace").decode()'
        )
    return ""
