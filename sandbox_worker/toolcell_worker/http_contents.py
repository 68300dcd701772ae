"""
What the body of a response is to a model: a JSON value, text, or bytes in base64.  Pure.
"""

from __future__ import annotations

import base64
from email.message import Message
from typing import Any, Final, Literal

import msgspec

Encoding = Literal["json", "text", "base64"]

# Far below what any reader of the result takes; deeper values are given as text.
MAXIMUM_DEPTH: Final = 32
# A character that was cut in half is at most so many bytes short of its end.
_HALF_A_CHARACTER: Final = 3


def told(data: bytes, content_type: str, *, encoded: bool, cut: bool) -> tuple[Encoding, Any]:
    """
    The body, and how it is told.  `encoded`: it is compressed; `cut`:
    there was more of it.
    """
    text = None if encoded else _text(data, content_type, cut=cut)
    if text is None:
        return "base64", base64.b64encode(data).decode()
    if _is_json(content_type) and not cut:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return "text", text
        return ("json", value) if _shallow(value) else ("text", text)
    return "text", text


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _text(data: bytes, content_type: str, *, cut: bool) -> str | None:
    header = Message()
    header["content-type"] = content_type
    charset = str(header.get_param("charset") or "utf-8")
    for short in range(1 + (_HALF_A_CHARACTER if cut else 0)):
        try:
            text = data[: len(data) - short].decode(charset)
            text.encode()  # some codecs make halves of characters, which JSON cannot carry
        except (LookupError, ValueError):
            continue
        return None if "\0" in text else text
    return None


def _shallow(value: Any) -> bool:
    level = [value]
    for _ in range(MAXIMUM_DEPTH):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False
