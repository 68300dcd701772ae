"""
Reads JSON that a tool has written and nobody has checked, where a key that is there twice would
hide what is under the first.  Pure.
"""

from __future__ import annotations

import functools
import json
from typing import Any


class Unreadable(ValueError):  # noqa: N818  # names what happened
    """
    Raised for what is no JSON, too deep, or has a key twice; the text holds nothing of it.
    """


def read(data: bytes) -> Any:
    """
    The value, each of whose keys is there once.

    Raises:
        Unreadable: it is none.
    """
    try:
        return _decoder().decode(data.decode())
    except (ValueError, RecursionError):
        raise Unreadable("no JSON, too deep, or a key is there twice") from None


@functools.cache
def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value
