"""
Answers a model that reads the rest of a result.  Pure.

Theory of operation.  Whatever is asked, first a text is chosen (the whole result, or the value at a
path), then a part of it: by place, or around what is searched for.  The search is for literal text,
and by `str.find`, which is linear: what is searched for is a model's, and where is a tool's, so a
pattern, and even a literal one in `re`, could be made to take minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.loops.bounding import text_of

if TYPE_CHECKING:
    from toolcell_client.loops.kept import Kept, KeptResults

MOST_MATCHES = 10  # arbitrary; shown; all are counted
AROUND_CHARACTERS = 150  # arbitrary; before and after a match
LONGEST_SEARCH = 500  # arbitrary


class CannotRead(ValueError):  # noqa: N818  # names what happened
    """
    Raised when there is nothing to show; the text is for the model.
    """


def read_result(kept: KeptResults, arguments: dict[str, Any], characters: int) -> dict[str, Any]:
    """
    The part that was asked for, of at most so many characters.

    Raises:
        CannotRead: there is none; says why and what to do.
    """
    handle = _text(arguments, "handle")
    one = kept.get(handle)
    if one is None:
        raise CannotRead(
            f"No result is kept as {handle[:40]!r}: it was dropped for newer ones, or never was."
            " Call the tool that gave it again, and ask for less."
        )
    text = _chosen(one, _text(arguments, "path")) if "path" in arguments else one.text
    search = _text(arguments, "search")
    return _found(text, search, characters) if search else _part(text, arguments, characters)


def _part(text: str, arguments: dict[str, Any], characters: int) -> dict[str, Any]:
    offset = _number(arguments, "offset", 0)
    length = min(_number(arguments, "length", characters) or characters, characters)
    if text and offset >= len(text):
        raise CannotRead(f"It has {len(text)} characters; offset {offset} is behind its end.")
    end = min(offset + length, len(text))
    told = {"text": text[offset:end], "offset": offset, "characters": len(text)}
    return told if end == len(text) else {**told, "next_offset": end}


def _found(text: str, search: str, characters: int) -> dict[str, Any]:
    if len(search) > LONGEST_SEARCH:
        raise CannotRead(f"search has at most {LONGEST_SEARCH} characters.")
    room = min(AROUND_CHARACTERS, characters // (2 * MOST_MATCHES))
    folded = text.lower()
    if len(folded) != len(text):  # a few capitals become two characters: places would shift
        folded = text
    else:
        search = search.lower()
    matches: list[dict[str, Any]] = []
    at = folded.find(search)
    while at >= 0 and len(matches) < MOST_MATCHES:
        around = text[max(0, at - room) : at + len(search) + room]
        matches.append({"offset": at, "text": around})
        at = folded.find(search, at + len(search))
    count = folded.count(search)
    return {"matches": matches, "count": count, "characters": len(text)}


def _chosen(one: Kept, path: str) -> str:
    value, gone = one.value, ""
    for token in path.split("/")[1:] if path.startswith("/") else [path] if path else []:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 9:
            if int(name) >= len(value):
                raise CannotRead(f"{gone or 'The result'} has {len(value)} items, from 0.")
            value = value[int(name)]
        else:
            raise CannotRead(f"{gone or 'The result'} {_has(value)}, and no {name[:60]!r}.")
        gone = f"{gone}/{token}"[:200]
    return text_of(value)


def _has(value: Any) -> str:
    if isinstance(value, dict):
        names = ", ".join(str(each)[:60] for each in list(value)[:20])
        return f"has the properties {names}"
    return f"has {len(value)} items" if isinstance(value, list) else "is one value"


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name) or ""
    if not isinstance(value, str):
        raise CannotRead(f"{name} must be a text.")
    return value


def _number(arguments: dict[str, Any], name: str, default: int) -> int:
    value = arguments.get(name)
    if value is None:
        return default
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value < 0
        or value != value // 1
    ):
        raise CannotRead(f"{name} must be a whole number, and not negative.")
    return int(min(value, 2**53))
