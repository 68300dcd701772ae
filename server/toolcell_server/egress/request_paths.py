"""
Paths of HTTP requests against granted prefixes.  Pure.

A prefix is only as good as the agreement on what a path means.  What an origin or something before
it could resolve, decode twice or cut off is therefore not compared but refused: `.` and `..` in any
spelling, `//`, encoded slashes, backslashes and percent signs, octets that are not UTF-8 (an
overlong `%c0%ae` is a dot to some).  Both sides are compared as they are written, never decoded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

# RFC 3986 3.3: pchar and the slash, every percent sign beginning an octet.
_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+")
_UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f/\\%]")


def path_allowed(prefixes: Sequence[str], target: str) -> bool:
    """
    Whether a request target in origin form (`/path?query`, RFC 9112 3.2.1) lies below one of the
    prefixes: `/a` stands for `/a` and `/a/…`, not for `/ab`.  Without prefixes anything does.
    """
    if not prefixes:
        return True
    path = target.partition("?")[0]
    return not path_fault(path) and any(_below(path, prefix) for prefix in prefixes)


def path_fault(path: str) -> str:
    """
    Why a path could mean something else than it says; empty if it cannot.
    """
    if not path.startswith("/"):
        return "does not begin with /"
    if not _PATH.fullmatch(path):
        return "has a character that a path cannot have (RFC 3986 3.3)"
    segments = path.split("/")[1:]
    if "" in segments[:-1]:
        return "has an empty part (//)"
    return next((fault for segment in segments if (fault := _segment_fault(segment))), "")


def _segment_fault(segment: str) -> str:
    try:
        decoded = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return "has octets that are not UTF-8"
    if _UNREADABLE.search(decoded):
        return "has an encoded slash, backslash, percent sign or control character"
    # Servlet containers cut off what follows a semicolon before they resolve dots.
    if decoded.partition(";")[0].strip() in {".", ".."}:
        return "has a part . or .."
    return ""


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.removesuffix("/") + "/")
