"""
Reads a text file, or a part of it.
"""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from toolcell_worker import ToolError, reads, tool

if TYPE_CHECKING:
    from io import TextIOWrapper

MAXIMUM_BYTES = 512 * 1024  # arbitrary; far more than a model reads at a time
BASE64 = "base64"


class FileText(msgspec.Struct, kw_only=True):
    """
    A part of a file.  `lines` were read, from line `offset` on (the first is 0).  `next_offset`
    continues after them; it is null at the end of the file.
    """

    path: str
    content: str
    encoding: str
    offset: int
    lines: int
    next_offset: int | None
    size: int


@tool(
    title="Read a file",
    category="files",
    tags=["file", "read", "text"],
    effects="read_only",
    idempotent=True,
    paths=[reads("{path}")],
)
def read_file(
    path: str,
    encoding: str = "utf-8",
    max_lines: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2000,
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0,
) -> FileText:
    """
    Read a text file, whole or from a given line on.

    Use it to look at a file whose path you know. For a long file, read a part, then call again
    with offset = next_offset. Only this one file can be read.

    Args:
        path: Absolute path of the file.
        encoding: Text encoding, for example utf-8 or latin-1; base64 returns the bytes instead.
        max_lines: Read at most so many lines; with base64, so many KiB.
        offset: First line to read, counted from 0; with base64, first KiB.

    Returns:
        The text and where it continues.
    """
    file = Path(path)
    try:
        size = _size_of(file)
        if encoding == BASE64:
            return _read_bytes(file, size, max_lines, offset)
        with file.open(encoding=encoding, newline="") as stream:
            return _read_lines(stream, path, size, max_lines, offset)
    except FileNotFoundError:
        raise ToolError(
            f"there is no file {path}, or it may not be read",
            code="NOT_FOUND",
            category="user",
            hint="Check the spelling, or list the folder first.",
            spoken="I could not find that file.",
        ) from None
    except LookupError:
        raise ToolError(
            f"there is no encoding {encoding!r}",
            code="UNKNOWN_ENCODING",
            category="user",
            hint="Use utf-8, latin-1, utf-16 or base64.",
        ) from None
    except UnicodeError as exc:
        raise ToolError(
            f"{path} is not text in {encoding}: {exc}",
            code="NOT_TEXT",
            category="user",
            hint='Use another encoding, or encoding="base64" for a file that is not text.',
        ) from None


def _size_of(file: Path) -> int:
    status = file.stat()
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
    raise ToolError(
        f"{file} is {kind}",
        code="NOT_A_FILE",
        category="user",
        hint="Use list_files to see what is in a directory.",
    )


def _read_lines(
    stream: TextIOWrapper, path: str, size: int, max_lines: int, offset: int
) -> FileText:
    """
    At most `max_lines` lines and about MAXIMUM_BYTES characters; a line that is longer is cut and
    goes on as the next one.
    """
    for _ in range(offset):
        if not stream.readline(MAXIMUM_BYTES):
            break
    lines: list[str] = []
    room = MAXIMUM_BYTES
    while len(lines) < max_lines and room > 0 and (line := stream.readline(MAXIMUM_BYTES)):
        lines.append(line)
        room -= len(line)
    more = bool(stream.read(1))
    return FileText(
        path=path,
        content="".join(lines),
        encoding=stream.encoding,
        offset=offset,
        lines=len(lines),
        next_offset=offset + len(lines) if more else None,
        size=size,
    )


def _read_bytes(file: Path, size: int, max_kibibytes: int, offset: int) -> FileText:
    with file.open("rb") as stream:
        stream.seek(offset * 1024)
        data = stream.read(min(max_kibibytes * 1024, MAXIMUM_BYTES))
    count = -(-len(data) // 1024)
    more = offset * 1024 + len(data) < size
    return FileText(
        path=str(file),
        content=base64.b64encode(data).decode(),
        encoding=BASE64,
        offset=offset,
        lines=count,
        next_offset=offset + count if more else None,
        size=size,
    )
