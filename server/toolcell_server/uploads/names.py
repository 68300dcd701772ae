"""
Which names the files of an archive may have.  Pure.

Theory of operation.  A name that is unpacked must lie below the folder that it is unpacked to, be
the same file on every file system, and look like what it is.  So nothing is cleaned or guessed: a
name that would have to be is refused, and with it the archive.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MAXIMUM_CHARACTERS: Final = 240  # of a whole name; a file name has at most 255 bytes
MAXIMUM_DEPTH: Final = 16
_SHOWN: Final = 80


def fault(name: str) -> str:
    """
    What is wrong with a name; empty: nothing.
    """
    if not name or len(name) > MAXIMUM_CHARACTERS:
        return f"has a name of {len(name)} characters; 1 to {MAXIMUM_CHARACTERS} are allowed"
    parts = name.split("/")
    if name.startswith("/"):
        return f"has the absolute name {shown(name)}"
    if any(part in ("", ".", "..") for part in parts):
        return f"has the name {shown(name)}, which leads elsewhere"
    if "\\" in name or ":" in name:
        return f"has the name {shown(name)}, which is another one on other systems"
    if not name.isprintable() or unicodedata.normalize("NFC", name) != name:
        return f"has the name {shown(name)}, which does not look like what it is"
    if len(name.encode(errors="replace")) > MAXIMUM_CHARACTERS or len(parts) > MAXIMUM_DEPTH:
        return f"has the name {shown(name)}, which is too long or too deep"
    return ""


def clash(names: Iterable[str]) -> str:
    """
    What is wrong with names together: two are one on some file system, or one is a file and a
    folder; empty: nothing.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        parts = name.split("/")
        if (key := _key(name)) in files:
            return f"holds {shown(name)} and {shown(files[key])}, which are one name"
        files[key] = name
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folders.setdefault(_key(folder), folder) != folder:
                return f"holds the folder {shown(folder)} in two spellings"
    for key in files.keys() & folders.keys():
        return f"holds {shown(files[key])} as a file and as a folder"
    return ""


def shown(name: str) -> str:
    """
    A name for a message.
    """
    return ascii(name if len(name) <= _SHOWN else name[:_SHOWN] + "...")


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
