"""
What secrets look like that nobody told us: a beginning that nothing else has, and then a run of
certain characters.  Pure.

Theory of operation.  Operators could be asked for regular expressions; but whether one is linear
nobody sees, and where in a stream it may still match nobody can say.  A shape answers both: what
can still become one is at most its opening and `least` characters long, so little is held back, and
a run is swallowed as it comes, whatever its length.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import Final, Self

_RANGES: Final = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
SHORTEST_OPENING: Final = 3
LONGEST_OPENING: Final = 64
MOST: Final = 256  # of a run that must be there


@dataclass(frozen=True, slots=True)
class Shape:
    """
    Any of the `openings`, then at least `least` bytes of `characters`; all of those that follow
    belong to it.
    """

    name: str
    openings: tuple[bytes, ...]
    characters: bytes
    least: int
    run: re.Pattern[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        escaped = re.escape(bytes(sorted(set(self.characters))))
        object.__setattr__(self, "run", re.compile(b"[" + escaped + b"]*+"))

    @classmethod
    def parse(cls, name: str, prefix: str, characters: str, minimum: int) -> Self:
        """
        A shape that an operator has written; `characters` as within the brackets of a regular
        expression, "A-Za-z0-9_-".

        Raises:
            ValueError: it would match by chance, or is not written so; the text says which.
        """
        if not SHORTEST_OPENING <= len(prefix) <= LONGEST_OPENING:
            raise ValueError(
                f"prefix must have {SHORTEST_OPENING} to {LONGEST_OPENING} characters, or other"
                " text would be taken for secrets"
            )
        if not prefix.isprintable() or not prefix.isascii():
            raise ValueError("prefix must be printable ASCII")
        if not 1 <= minimum <= MOST:
            raise ValueError(f"minimum must be from 1 to {MOST}")
        return cls(name, (prefix.encode(),), expanded(characters), minimum)

    @property
    def matching(self) -> bytes:
        """
        A regular expression of as much as must be there.
        """
        escaped = re.escape(bytes(sorted(set(self.characters))))
        openings = b"|".join(map(re.escape, self.openings))
        return b"(?:%b)[%b]{%d}" % (openings, escaped, self.least)

    def may_become(self, end: bytes) -> bool:
        """
        Whether these last bytes could be the beginning of one that is not decided yet.
        """
        for opening in self.openings:
            if opening.startswith(end):
                return True
            rest = end[len(opening) :]
            if end.startswith(opening) and len(rest) < self.least and self.run.fullmatch(rest):
                return True
        return False


def expanded(characters: str) -> bytes:
    """
    The characters that a class such as "A-Za-z0-9_-" names.

    Raises:
        ValueError: it is empty, not ASCII, or a range is not one of letters or digits.
    """
    found, rest = set[str](), characters
    while rest:
        first, dash, last = rest[0], rest[1:2], rest[2:3]
        if dash == "-" and last:
            span = next((span for span in _RANGES if first in span and last in span), "")
            if not span or first > last:
                raise ValueError(f"characters: {rest[:3]!r} is no range; write A-Z, a-z or 0-9")
            found.update(span[span.index(first) : span.index(last) + 1])
        else:
            found.add(first)
        rest = rest[3:] if dash == "-" and last else rest[1:]
    text = "".join(sorted(found))
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError('characters must be printable ASCII, as in "A-Za-z0-9_-"')
    return text.encode()


_WORD: Final = expanded("A-Za-z0-9_-")
_BASE64: Final = expanded("A-Za-z0-9+/=")
_PEM: Final = _BASE64 + b" \t\r\n\\"  # a line end in a text of JSON is a backslash and a letter
_KEYS: Final = ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")
_CIPHERS: Final = ("AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC")

BUILTIN: Final = (
    Shape("aws_key_id", (b"AKIA", b"ASIA"), expanded("A-Z0-9"), 16),
    Shape("github_token", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), expanded("A-Za-z0-9"), 36),
    Shape("github_fine_grained", (b"github_pat_",), expanded("A-Za-z0-9_"), 22),
    Shape(
        "private_key",
        (
            *(f"-----BEGIN {kind}PRIVATE KEY-----".encode() for kind in _KEYS),
            b"-----BEGIN PGP PRIVATE KEY BLOCK-----",
            *(f"DEK-Info: {cipher},".encode() for cipher in _CIPHERS),  # behind the headers
        ),
        _PEM,
        32,
    ),
    # The first characters of {"alg":, {"typ":, {"kid":, {"cty": and {"enc": in base64.
    Shape(
        "jwt",
        (b"eyJhbGciOi", b"eyJ0eXAiOi", b"eyJraWQiOi", b"eyJjdHkiOi", b"eyJlbmMiOi"),
        _WORD + b".",
        30,
    ),
    Shape("bearer", (b"Bearer ", b"bearer ", b"BEARER "), _BASE64 + b"._~-", 16),
    Shape("basic", (b"Authorization: Basic ", b"authorization: Basic "), _BASE64, 8),
)
