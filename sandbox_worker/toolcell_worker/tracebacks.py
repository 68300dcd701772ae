"""
The traceback of a tool: its own frames, bounded, and without paths of the host.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

MAXIMUM_BYTES = 8 * 1024
HEAD_BYTES = 2 * 1024  # where it began; the rest is kept for where it ended
CUT = "\n  … left out …\n"
OURS = str(Path(__file__).parent)
TOOLS = str(Path(__file__).parent / "tools")
LOOP = str(Path(os.__file__).parent / "asyncio")
FURTHER = 16  # arbitrary; causes of causes


def of(exc: BaseException, folder: str = "") -> str:
    """
    The traceback of an exception, its causes included; empty if no frame of it is the tool's.
    `folder` is the tool's own: paths in it are shown relative to it.
    """
    shown = traceback.TracebackException.from_exception(exc, compact=True)
    _strip(shown, folder, FURTHER)
    if not shown.stack and shown.__cause__ is None and shown.__context__ is None:
        return ""
    return bounded("".join(shown.format()))


def bounded(text: str) -> str:
    """
    At most 8 KiB of a text in UTF-8: its beginning and its end.
    """
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= MAXIMUM_BYTES:
        return data.decode()
    tail = MAXIMUM_BYTES - HEAD_BYTES - len(CUT.encode())
    head, end = data[:HEAD_BYTES], data[-tail:]
    return head.decode(errors="ignore") + CUT + end.decode(errors="ignore")


def _strip(shown: traceback.TracebackException | None, folder: str, further: int) -> None:
    if shown is None or further == 0:
        return
    frames = [frame for frame in shown.stack if not _is_ours(frame.filename)]
    for frame in frames:
        frame.filename = _short(frame.filename, folder)
    shown.stack[:] = frames
    for cause in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        _strip(cause, folder, further - 1)


def _is_ours(filename: str) -> bool:
    """
    Frames that lie between the cell and every tool tell its author nothing.
    """
    if filename.startswith(TOOLS + "/"):
        return False
    return filename.startswith((OURS + "/", LOOP + "/", "<frozen "))


def _short(filename: str, folder: str) -> str:
    roots = [folder, OURS, *sys.path, sys.prefix, sys.base_prefix]
    for root in sorted(filter(None, roots), key=len, reverse=True):
        if filename.startswith(root.rstrip("/") + "/"):
            return filename[len(root.rstrip("/")) + 1 :]
    return filename
