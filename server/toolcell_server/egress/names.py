"""
Host names, and patterns of them.  Pure.

One name has one spelling here: ASCII, lower case, no dot at the end.  What two programs could read
as two names, or as an address, is refused instead of repaired: the tool, the relay, the resolver
and the person who approves must all mean the same host.

- An ASCII label is letters, digits and hyphens (RFC 952, RFC 1123 2.1).  An underscore counts as a
  letter: names of services and buckets have one (RFC 2181 11, RFC 8552), and nobody reads it as
  anything else.  Hyphens may stand third and fourth, as in r3---sn-x.example.com.
- Any other label is encoded by IDNA 2008 (RFC 5891) after UTS 46, of which only the folding of
  case is let through.  A full-width letter, an ideographic full stop or a soft hyphen is refused:
  IDNA 2003, IDNA 2008 and WHATWG disagree about some, and people about all.
- A last label that is a number makes the whole an address to inet_aton(3) and to WHATWG's URL
  parser: 127.1, 2130706433, 0x7f.1, 0177.0.0.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

import idna

MAXIMUM_NAME: Final = 253  # RFC 1035 2.3.4: 255 octets on the wire
MAXIMUM_LABEL: Final = 63  # RFC 1035 2.3.4
_STRANGE: Final = re.compile(r"[^A-Za-z0-9._\-\u0080-\U0010ffff]")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# IDNA 2003, which Python's own codec still speaks, turns these into others or drops them; IDNA 2008
# keeps them (UTS 46 section 7).  U+1E9E is the capital of the first.
_DEVIATIONS: Final = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")


class NotAName(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a text is no host name, or could be read as two; says why, and what to send instead.
    """


def normalised(text: str) -> str:
    """
    The one spelling of a host name: `API.Example.com.` is `api.example.com`.

    Raises:
        NotAName: it is an address, malformed, or could be read in two ways.
    """
    text = text.removesuffix(".")
    if not text:
        raise NotAName("is empty; name a host")
    if len(text) > MAXIMUM_NAME:
        raise NotAName(f"is longer than {MAXIMUM_NAME} characters")
    if strange := _STRANGE.search(text):
        raise NotAName(f"has the character {strange[0]!a}; name the host alone, no address")
    labels = [_encoded(label) for label in text.split(".")]
    if _NUMBER.fullmatch(labels[-1]):
        raise NotAName("ends in a number, so it is an address; name a host")
    name = ".".join(labels)
    if len(name) > MAXIMUM_NAME:
        raise NotAName(f"is longer than {MAXIMUM_NAME} characters in ASCII")
    return name


def _encoded(label: str) -> str:
    """
    A label in ASCII and lower case.
    """
    if not label:
        raise NotAName("has an empty label (two dots); leave it out")
    encoded = label.lower() if label.isascii() else _internationalised(label)
    if len(encoded) > MAXIMUM_LABEL:
        raise NotAName(f"has a label longer than {MAXIMUM_LABEL} characters")
    if not _LABEL.fullmatch(encoded):
        raise NotAName(f"has a label that begins or ends with a hyphen, {encoded!a}")
    if encoded.startswith("xn--"):
        _check_encoding(encoded)
    return encoded


def _internationalised(label: str) -> str:
    for character in label:
        if not (character.isascii() or _agreed(character)):
            raise NotAName(f"has {character!a}, which programs read differently; write it as xn--…")
    try:
        return idna.encode(label, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError:
        raise NotAName(f"has a label that IDNA 2008 does not allow, {label!a:.80}") from None


def _agreed(character: str) -> bool:
    """
    Whether nothing but the case of a character is folded, and not into ASCII, as the Kelvin sign's.
    """
    try:
        folded = idna.uts46_remap(character, std3_rules=False)
    except UnicodeError:
        return False
    return folded == character.lower() and not folded.isascii() and character not in _DEVIATIONS


def _check_encoding(label: str) -> None:
    """
    What is written as Punycode must be what IDNA 2008 itself would write (RFC 5891 5.3).
    """
    try:
        same = idna.alabel(idna.ulabel(label)).decode("ascii") == label
    except UnicodeError:
        same = False
    if not same:
        raise NotAName(f"has a label that encodes no IDNA 2008 name, {label!a}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    One name, or with `wildcard` all names below it: `*.example.com` has one or more labels in place
    of the star, and is not `example.com`.
    """

    name: str
    wildcard: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        There is no list of public suffixes here: `*.co.uk` is one, and is taken.

        Raises:
            NotAName: it is neither a name nor a wildcard above two labels.
        """
        bare = text.removeprefix("*.")
        if "*" in bare:
            raise NotAName("has a * elsewhere than in a leading *.; name the domain, as *.name.org")
        name = normalised(bare)
        wildcard = bare != text
        if wildcard and "." not in name:
            raise NotAName(f"covers all of {name}; name the domain, as *.name.{name}")
        return cls(name, wildcard)

    @property
    def text(self) -> str:
        return f"*.{self.name}" if self.wildcard else self.name

    def matches(self, name: str) -> bool:
        """
        Whether it stands for a name, which is normalised already.
        """
        return name.endswith(f".{self.name}") if self.wildcard else name == self.name

    def covers(self, other: Pattern) -> bool:
        """
        Whether every name that `other` stands for is one of its own.
        """
        return self == other or (self.wildcard and self.matches(other.name))
