"""
Lists what is in a folder.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from toolcell_worker import ToolError, reads, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_SCANNED = 200_000  # arbitrary; a second or two of looking


class Entry(msgspec.Struct, kw_only=True):
    """
    One file or folder.  `name` is relative to the listed folder; `size` in bytes; `modified` in
    UTC.  A symbolic link is listed, not followed.
    """

    name: str
    is_directory: bool
    size: int
    modified: dt.datetime


class Listing(msgspec.Struct, kw_only=True):
    """
    What is in a folder, by name.  `truncated`: there is more.
    """

    path: str
    entries: list[Entry]
    truncated: bool


@tool(
    title="List files",
    category="files",
    tags=["file", "folder", "directory", "list"],
    effects="read_only",
    idempotent=True,
    paths=[reads("{path}")],
)
def list_files(
    path: str,
    pattern: str = "*",
    recursive: bool = False,  # noqa: FBT001, FBT002  # arguments of a tool always have names
    max_entries: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000,
) -> Listing:
    """
    List the files and folders in a folder, with size and time of modification.

    Args:
        path: Absolute path of the folder.
        pattern: Only names that match, for example *.csv; ** is not needed, see recursive.
        recursive: Look into the folders in it, too.
        max_entries: List at most so many.

    Returns:
        The entries, sorted by name.
    """
    folder = Path(path)
    if folder.is_file():
        raise ToolError(
            f"{path} is a file, not a folder",
            code="NOT_A_FOLDER",
            category="user",
            hint="Use read_file to read it, or list the folder that it is in.",
        )
    found, scanned = [], 0
    try:
        for name, item in _walk(folder, recursive=recursive):
            scanned += 1
            if fnmatch.fnmatchcase(item.name, pattern):
                found.append(_entry(name, item))
            if scanned >= MAXIMUM_SCANNED:
                break
    except FileNotFoundError:
        raise ToolError(
            f"there is no folder {path}, or it may not be read",
            code="NOT_FOUND",
            category="user",
            hint="Check the spelling, or list the folder that it should be in.",
            spoken="I could not find that folder.",
        ) from None
    found.sort(key=lambda entry: entry.name)
    truncated = len(found) > max_entries or scanned >= MAXIMUM_SCANNED
    return Listing(path=path, entries=found[:max_entries], truncated=truncated)


def _walk(folder: Path, *, recursive: bool) -> Iterator[tuple[str, os.DirEntry[str]]]:
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            items = list(os.scandir(folder / inside))
        except OSError:
            if not inside:
                raise
            continue  # a folder in it that this identity may not read, or that is gone
        for item in items:
            yield inside + item.name, item
            if recursive and item.is_dir(follow_symlinks=False):
                waiting.append(f"{inside}{item.name}/")


def _entry(name: str, item: os.DirEntry[str]) -> Entry:
    status = item.stat(follow_symlinks=False)
    return Entry(
        name=os.fsencode(name).decode("utf-8", "backslashreplace"),
        is_directory=item.is_dir(follow_symlinks=False),
        size=status.st_size,
        modified=dt.datetime.fromtimestamp(status.st_mtime, dt.UTC),
    )
