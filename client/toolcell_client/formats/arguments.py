"""
Reads the arguments that a model wrote.  Pure.

Theory of operation.  What a model writes is hostile: JSON parsers differ on repeated keys, NaN and
numbers of thousands of digits, half a surrogate pair cannot be sent, and deep nesting ends in
RecursionError.  All of these are malformed here, so that the server, which is as strict, never sees
other arguments than were read.  Nothing is guessed: text around the object, or an object that was
encoded twice, is answered with what to do.  Some SDKs hand over an object that they have read
themselves; it meets the same bounds.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from toolcell_client.formats.limits import (
    ARGUMENTS_BYTES,
    ARGUMENTS_DEPTH,
    ARGUMENTS_DIGITS,
    ARGUMENTS_NODES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHOWN_CHARACTERS = 200  # arbitrary; of what the model wrote, in what it is told
_BLANK = " \t\n\r"  # what JSON calls white space
_SURROGATE = re.compile("[\ud800-\udfff]")


class MalformedArguments(ValueError):  # noqa: N818  # names what is wrong
    """
    Raised when arguments are no JSON object; the text is for the model.
    """


def read_arguments(written: Any) -> dict[str, Any]:
    """
    The arguments as an object, from JSON text or from an object.  Empty text is an empty object:
    some providers send it for tools without parameters.

    Raises:
        MalformedArguments: it is none.
    """
    try:
        return _checked(_parsed(written) if isinstance(written, str) else _plain(written))
    except (ValueError, RecursionError) as exc:
        raise MalformedArguments(_complaint(exc, written)) from exc


def _parsed(written: str) -> Any:
    if len(written) > ARGUMENTS_BYTES:
        raise ValueError(f"they are longer than {ARGUMENTS_BYTES} bytes; send less")
    text = written.strip(_BLANK)
    if not text:
        return {}
    if text.startswith("```"):
        raise ValueError("they are in a code fence; send the object alone")
    return json.loads(text, parse_constant=_refuse, parse_int=_integer, object_pairs_hook=_object)


def _plain(written: Any) -> Any:
    return dict(written) if hasattr(written, "keys") else written


def _not_an_object(value: Any) -> str:
    if isinstance(value, str) and value.strip(_BLANK).startswith("{"):
        return "they were encoded twice; send the object itself, not a string that contains it"
    if value is None:
        return "they are null; send {} for no arguments"
    kind = {list: "a list", str: "a string", bool: "a boolean"}.get(type(value), "a number")
    return f"they are {kind}; send one object with a key for each argument"


def _checked(value: Any) -> dict[str, Any]:
    """
    Depth, size, and what JSON text cannot hold; by levels, so that depth costs no stack.
    """
    if not isinstance(value, dict):
        raise ValueError(_not_an_object(value))  # noqa: TRY004  # one kind, for the model
    level: list[Any] = [value]
    nodes, depth = 0, 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > ARGUMENTS_NODES:
            raise ValueError(f"they hold more than {ARGUMENTS_NODES} values; send less")
        if depth > ARGUMENTS_DEPTH and any(isinstance(each, dict | list) for each in level):
            raise ValueError(f"they go deeper than {ARGUMENTS_DEPTH} levels; send a flatter value")
        level = list(_below(level))
    return value


def _below(level: Iterable[Any]) -> Iterator[Any]:
    for each in level:
        if isinstance(each, dict):
            for key in each:
                _check_text(key)
            yield from each.values()
        elif isinstance(each, list):
            yield from each
        elif isinstance(each, str):
            _check_text(each)
        elif isinstance(each, float) and not math.isfinite(each):
            raise ValueError("a number is too large, or is none; JSON has no infinity and no NaN")
        elif not isinstance(each, int | float | None):
            raise ValueError(f"a value is no JSON: {type(each).__name__}")


def _check_text(text: Any) -> None:
    if not isinstance(text, str):
        raise ValueError("a key is no text")  # noqa: TRY004  # one kind, for the model
    if _SURROGATE.search(text):
        raise ValueError("a text holds half a surrogate pair; send both halves, or the character")


def _complaint(error: Exception, written: Any) -> str:
    why = "they are nested too deeply" if isinstance(error, RecursionError) else str(error)
    if not isinstance(written, str):
        return f"The arguments are not a JSON object: {why}."
    shown = _SURROGATE.sub("\ufffd", written[: SHOWN_CHARACTERS + 1])
    shown = shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"
    return f"The arguments are not a JSON object: {why}. You wrote: {shown}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"JSON has no {constant}")


def _integer(digits: str) -> int:
    if len(digits) > ARGUMENTS_DIGITS:
        raise ValueError(f"a number has more than {ARGUMENTS_DIGITS} digits; send a string")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice")
    return made
