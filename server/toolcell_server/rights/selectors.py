"""
Which tools are meant: `read_file`, `files_*`, `category:files`, `tag:safe`, `bundle:mine`.  Pure.

Theory of operation.  A selector of names says something about names that no tool has, too, and so
can decide before anybody looks whether there is one; the other kinds need the tool.  Wildcards are
matched part by part from the left, which is linear: a selector may stand in a credential, and a
regular expression with thirty stars in it would not be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.tool import Tool

KINDS: Final = ("category", "tag", "bundle")
_NAME: Final = re.compile(r"[A-Za-z0-9_*-]{1,64}")
_LONGEST_WORD: Final = 64
REMEDY: Final = 'write a name, "files_*", "category:files", "tag:safe", "bundle:mine" or "*"'


class NotASelector(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a text selects no tools.
    """


@dataclass(frozen=True, slots=True)
class Selectors:
    """
    Tools that one of several selectors means.  `wildcards` are the texts between the stars.
    """

    texts: frozenset[str]
    names: frozenset[str]
    wildcards: tuple[tuple[str, ...], ...]
    words: frozenset[tuple[str, str]]  # kind and word
    everything: bool

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """
        Raises:
            NotASelector: one of them means nothing; says which.
        """
        names, wildcards, words = set[str](), list[tuple[str, ...]](), set[tuple[str, str]]()
        kept = frozenset(texts)
        for text in sorted(kept):
            kind, colon, word = text.partition(":")
            if colon and kind in KINDS and 0 < len(word) <= _LONGEST_WORD:
                words.add((kind, word))
            elif not _NAME.fullmatch(text):
                raise NotASelector(f"{text!r} selects no tools")
            elif "*" in text:
                wildcards.append(tuple(text.split("*")))
            else:
                names.add(text)
        everything = any(not any(parts) for parts in wildcards)
        return cls(kept, frozenset(names), tuple(wildcards), frozenset(words), everything)

    @classmethod
    def lenient(cls, texts: Iterable[str]) -> Self:
        """
        Those of the texts that select tools; the others, which somebody else wrote, select none.
        """
        return cls.parse(text for text in texts if _selects(text))

    def cover_name(self, name: str) -> bool:
        """
        Whether a tool of that name would be meant, whatever else it is, and if there is none.
        """
        return (
            self.everything
            or name in self.names
            or any(_fits(name, parts) for parts in self.wildcards)
        )

    def cover(self, tool: Tool) -> bool:
        """
        Whether this tool is meant.
        """
        if self.cover_name(tool.name):
            return True
        return bool(self.words) and (
            ("category", tool.category) in self.words
            or ("bundle", tool.bundle) in self.words
            or any(("tag", tag) in self.words for tag in tool.tags)
        )


def _selects(text: str) -> bool:
    try:
        Selectors.parse([text])
    except NotASelector:
        return False
    return True


def _fits(name: str, parts: tuple[str, ...]) -> bool:
    """
    Whether a name is these texts in order with anything between them.
    """
    first, *middle, last = parts
    if len(name) < len(first) + len(last):
        return False
    if not (name.startswith(first) and name.endswith(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
