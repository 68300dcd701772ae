"""
Absolute paths as text: what is well-formed, and what lies in what.  Pure: nothing here asks the
file system, and `/data-evil` does not lie in `/data`.
"""

from __future__ import annotations

from typing import Final

MAXIMUM_BYTES: Final = 4095  # PATH_MAX counts the final NUL (limits.h)
MAXIMUM_PART_BYTES: Final = 255  # NAME_MAX


class NotNormalised(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a text is not an absolute, normalised path; says why, and what to send instead.
    """


def normalised(path: str) -> str:
    """
    The path itself; one slash at its end is dropped, everything else must be in order already.

    Raises:
        NotNormalised: it is not.
    """
    if "\0" in path:
        raise NotNormalised("has a NUL character; leave it out")
    if not path.startswith("/"):
        raise NotNormalised("is not absolute; begin it with /")
    if path == "/":
        return path
    path = path.removesuffix("/")
    parts = path.split("/")[1:]
    if "" in parts:
        raise NotNormalised("has an empty part (//); leave it out")
    if "." in parts or ".." in parts:
        raise NotNormalised("has a part . or ..; name the path without it")
    _check_size(path, parts)
    return path


def _check_size(path: str, parts: list[str]) -> None:
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise NotNormalised("is not Unicode text") from None
    if size > MAXIMUM_BYTES:
        raise NotNormalised(f"has more than {MAXIMUM_BYTES} bytes")
    if any(len(part.encode()) > MAXIMUM_PART_BYTES for part in parts):
        raise NotNormalised(f"has a part of more than {MAXIMUM_PART_BYTES} bytes")


def lies_in(path: str, directory: str) -> bool:
    """
    Whether `path` is `directory` or lies below it, part by part.
    """
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def lies_below(path: str, directory: str) -> bool:
    """
    Whether `path` lies below `directory` and is not `directory` itself.
    """
    return path != directory and lies_in(path, directory)


def rebased(path: str, old: str, new: str) -> str:
    """
    The path with `new` in place of the directory `old` that it lies in.
    """
    below = path.removeprefix(old.rstrip("/"))
    return (new.rstrip("/") + below) or "/"
