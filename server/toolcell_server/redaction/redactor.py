"""
Takes secrets out of texts and JSON values.  Pure.

Theory of operation.  A text is one stream that ends at once, so that both are redacted alike.  JSON
is looked at as bytes first: without a backslash its texts stand there as they are, and when nothing
in it looks like a secret or a declared key it is left as it was, byte by byte, for the price of a
few searches.  Otherwise it is read, its texts are redacted, and it is written anew.  A number in
which a secret stands becomes the mark, a text: still JSON, if not always what a schema says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from toolcell_server import single_keys
from toolcell_server.redaction import forms
from toolcell_server.redaction.finder import REDACTED, Finder
from toolcell_server.redaction.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.redaction.shapes import Shape


class Redactor:
    """
    Redacts known secrets, shapes of secrets, and whatever stands under one of the `keys`, which
    are compared without regard to case.
    """

    def __init__(self, finder: Finder, keys: Iterable[str] = ()) -> None:
        self._finder = finder
        self._keys = frozenset(key.lower() for key in keys)
        self._signs = tuple(key.encode() for key in self._keys)
        self._ascii = all(sign.isascii() for sign in self._signs)

    @classmethod
    def of(
        cls, secrets: Iterable[str] = (), shapes: Iterable[Shape] = (), keys: Iterable[str] = ()
    ) -> Self:
        """
        Raises:
            ValueError: a secret is too short or too long; it is not in the text.
        """
        exact = (form for secret in secrets for form in forms.forms(secret))
        return cls(Finder(exact, shapes), keys)

    def __bool__(self) -> bool:
        """
        Whether there is anything to redact.
        """
        return bool(self._finder) or bool(self._keys)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(active={bool(self)})"

    def with_keys(self, keys: Iterable[str]) -> Self:
        """
        The same, with the keys of one tool besides.
        """
        return type(self)(self._finder, {*self._keys, *keys})

    @property
    def in_text(self) -> bool:
        """
        Whether there is anything to redact in plain text, where no key stands.
        """
        return bool(self._finder)

    def work(self, size: int) -> int:
        """
        How many bytes are compared to search that many, about.
        """
        return size * self._finder.signs

    def stream(self, *, after_gap: bool = False) -> Stream:
        """
        For bytes that come in pieces.
        """
        return Stream(self._finder, after_gap=after_gap)

    def text(self, text: str) -> str:
        """
        The text without secrets; the same object if there was none.
        """
        if not text or not self._finder:
            return text
        data = text.encode("utf-8", "surrogatepass")
        stream = self.stream()
        left = stream.feed(data) + stream.flush()
        return text if left == data else left.decode("utf-8", "replace")

    def json(self, value: Any) -> Any:
        """
        A JSON value without secrets; the same object if there was none.  Keys that two secrets
        would make equal are one afterwards.
        """
        match value:
            case str():
                return self._whole(value)
            case dict():
                below = {self._whole(key): self._entry(key, part) for key, part in value.items()}
                same = below.keys() == value.keys() and all(
                    below[key] is value[key] for key in value
                )
                return value if same else below
            case list():
                parts = [self.json(part) for part in value]
                same = all(new is old for new, old in zip(parts, value, strict=True))
                return value if same else parts
            case int() | float() if not isinstance(value, bool):
                shown = repr(value)
                return value if self._whole(shown) == shown else REDACTED
        return value

    def json_bytes(self, data: bytes) -> bytes:
        """
        JSON without secrets; the same object if there was none.  What cannot be read and may hold
        one is withheld as a whole.
        """
        if not data or not self._looks_secret(data):
            return data
        try:
            value = single_keys.read(data)
        except single_keys.Unreadable:
            return json.dumps(REDACTED).encode()
        kept = self.json(value)
        if kept is value:
            return data
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        )

    def _whole(self, text: str) -> str:
        """
        As `text`, of one that nothing has cut off.
        """
        sees = self._finder and self._finder.sees(text.encode("utf-8", "surrogatepass"))
        return self.text(text) if sees else text

    def _entry(self, key: str, value: Any) -> Any:
        return REDACTED if key.lower() in self._keys else self.json(value)

    def _looks_secret(self, data: bytes) -> bool:
        """
        Whether it must be read to be sure.
        """
        if b"\\" in data or self._finder.sees(data):
            return True
        if self._keys:
            small = data.lower() if self._ascii else _small(data)
            return any(sign in small for sign in self._signs)
        return False


def _small(data: bytes) -> bytes:
    """
    In small letters of any script.
    """
    return data.decode("utf-8", "replace").lower().encode("utf-8", "replace")
