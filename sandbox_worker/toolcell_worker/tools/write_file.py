"""
Writes a file.  The tool only opens the path: what it writes is staged in its cell, and the
service puts it in place when the tool has completed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from toolcell_worker import ToolError, stages, tool
from toolcell_worker.binary import from_base64

MODES = {"overwrite": "wb", "append": "ab", "create": "xb"}


class FileWritten(msgspec.Struct, kw_only=True):
    """
    What was written: `bytes_written` by this call, `size` of the whole file, `created` if it was
    not there before.
    """

    path: str
    bytes_written: int
    size: int
    created: bool


@tool(
    title="Write a file",
    category="files",
    tags=["file", "write", "text"],
    effects="writes",
    paths=[stages("{path}")],
    preview=True,
)
def write_file(
    path: str,
    content: str,
    mode: Literal["overwrite", "append", "create"] = "overwrite",
    encoding: str = "utf-8",
) -> FileWritten:
    """
    Write text to a file: replace it, append to it, or create it.

    The file changes all at once, or not at all if this fails. Only this one file can be written;
    its folder must exist.

    Args:
        path: Absolute path of the file.
        content: What to write, exactly; end text with a newline.
        mode: overwrite replaces the file, append adds to its end, create fails if it exists.
        encoding: Text encoding, for example utf-8; base64 if content is bytes in base64.

    Returns:
        How much was written.
    """
    data = _encoded(content, encoding)
    file = Path(path)
    created = not file.exists()
    try:
        with file.open(MODES[mode]) as stream:
            stream.write(data)
    except FileExistsError:
        raise ToolError(
            f"{path} exists already",
            code="EXISTS",
            category="user",
            hint='Choose another name, or use mode="overwrite".',
            spoken="That file exists already.",
        ) from None
    except IsADirectoryError:
        raise ToolError(
            f"{path} is a directory",
            code="NOT_A_FILE",
            category="user",
            hint="Name a file in it.",
        ) from None
    size = file.stat().st_size
    return FileWritten(path=path, bytes_written=len(data), size=size, created=created)


def _encoded(content: str, encoding: str) -> bytes:
    if encoding == "base64":
        return from_base64(content)
    try:
        return content.encode(encoding)
    except LookupError:
        hint = "Use utf-8, latin-1, utf-16 or base64."
        message = f"there is no encoding {encoding!r}"
    except UnicodeEncodeError as exc:
        hint = "Use utf-8, which has every character."
        message = f"{encoding} cannot express {content[exc.start]!r}"
    raise ToolError(message, code="ENCODING", category="user", hint=hint)
