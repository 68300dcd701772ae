"""
Reads the arguments that a model wrote.  Pure.

Theory of operation.  What a model writes is hostile: JSON parsers differ on repeated keys, NaN and
numbers of thousands of digits, and deep nesting ends in RecursionError.  All of these are malformed
here, so that the server, which is as strict, never sees other arguments than were read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN_CHARACTERS = 200  # arbitrary; of what the model wrote, in what it is told


class MalformedArguments(ValueError):  # noqa: N818  # names what is wrong
    """
    Raised when arguments are no JSON object; the text is for the model.
    """


def read_arguments(written: str | Mapping[str, Any]) -> dict[str, Any]:
    """
    The arguments as an object.  Empty text is an empty object: some providers send it for tools
    without parameters.

    Raises:
        MalformedArguments: it is none.
    """
    if not isinstance(written, str):
        return dict(written)
    if not written.strip():
        return {}
    try:
        value = json.loads(written, parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError) as exc:
        raise MalformedArguments(_complaint(str(exc), written)) from exc
    if not isinstance(value, dict):
        raise MalformedArguments(_complaint("they are not an object", written))
    return value


def _complaint(why: str, written: str) -> str:
    shown = written if len(written) <= SHOWN_CHARACTERS else f"{written[:SHOWN_CHARACTERS]}…"
    return f"The arguments are not a JSON object: {why}. You wrote: {shown}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"JSON has no {constant}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice")
    return made
