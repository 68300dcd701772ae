"""
Keeps a bounded part of an output that also streams live: its beginning and its end.
"""

from __future__ import annotations

import io
import os
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

HEAD_BYTES = 64 * 1024  # what a program says first tells what it is about …
TAIL_BYTES = 192 * 1024  # … and what it says last why it ended


class Capture:
    """
    Beginning and end of everything it is fed.
    """

    def __init__(self, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        self._head_bytes = head
        self._tail_bytes = tail
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0

    @property
    def truncated(self) -> bool:
        """
        Whether something was left out.
        """
        return self.size > self._head_bytes + self._tail_bytes

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        room = self._head_bytes - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        # Cut seldom: a program that writes byte by byte must not cost a copy of it all each time.
        if len(self._tail) > 2 * self._tail_bytes:
            del self._tail[: -self._tail_bytes]

    def text(self) -> str:
        """
        What was kept, as UTF-8, with a line that says how much is missing.
        """
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        missing = self.size - self._head_bytes - self._tail_bytes
        head = self._head.decode("utf-8", "replace")
        tail = self._tail[-self._tail_bytes :].decode("utf-8", "replace")
        return f"{head}\n… {missing} bytes left out …\n{tail}"


class _Tee(io.RawIOBase):
    """
    A raw stream that writes to a descriptor and feeds a capture.
    """

    def __init__(self, descriptor: int, capture: Capture) -> None:
        self._descriptor = descriptor
        self._capture = capture

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: ReadableBuffer, /) -> int:
        copy = bytes(data)
        written = os.write(self._descriptor, copy)
        self._capture.feed(copy[:written])
        return written


def tee(descriptor: int, capture: Capture) -> IO[str]:
    """
    A text stream like `sys.stdout`, line-buffered, that also feeds a capture.
    """
    raw = io.BufferedWriter(_Tee(descriptor, capture))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="replace", line_buffering=True)
