"""
What is written ahead of the database: starts and endings, until a transaction has taken them over.

Theory of operation.  A commit of SQLite runs through so much code that, in a server with little to
do, it takes several times as long as when nothing else has used the processor meanwhile; and a call
waits for two of them.  To append to a file takes one system call.  Both are as durable: the page
cache has it, which survives the death of this process at any moment, and with `synchronous =
"full"` the disk.  So a call waits for this file, and the database takes over many rows at once.

A record has its length and its checksum before it.  What has none, or another, is the end of what
was written: a machine that lost its power may have lost the last of it, as it may the last commits.
The file is emptied after the commit that took it over; a death in between has it taken over twice,
which changes nothing.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from toolcell_server import state_folder
from toolcell_server.appending import AppendedFile
from toolcell_server.database import StoreFailed
from toolcell_server.records.entries import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FILE: Final = "toolcell.ahead"
_WORD: Final = 4  # bytes; of the length, and of the checksum
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder()


class Ahead:
    """
    The file in that folder.  Whoever has the database has this, too: no other server can.

    Raises:
        StoreFailed: it cannot be opened or read.
    """

    def __init__(self, folder: Path, *, full: bool = False) -> None:
        path = folder / FILE
        try:
            state_folder.prepare(path)
            self._found = path.read_bytes()
            self._file = AppendedFile.opened(path)
        except OSError as exc:
            raise StoreFailed(f"{path}: {exc}") from exc
        self._full = full

    def found(self) -> Iterator[Entry]:
        """
        What the last server wrote and did not have taken over, in its order; once.
        """
        data, self._found = self._found, b""
        at = 0
        while entry := _entry(data, at):
            yield Entry(*_DECODER.decode(entry))
            at += 2 * _WORD + len(entry)

    def write(self, entries: Sequence[Entry]) -> None:
        """
        Append all of them, or none.

        Raises:
            StoreFailed: none is written.
        """
        size = self._file.size
        try:
            self._file.write(b"".join(map(_framed, entries)))
            if self._full:
                self._file.synchronize()
        except OSError as exc:
            self._file.take_back(size)
            raise StoreFailed(f"{FILE}: {exc}") from exc

    def clear(self) -> None:
        """
        Forget what is in it: the database has it.

        Raises:
            StoreFailed: it is still there, which does no harm.
        """
        try:
            self._file.clear()
        except OSError as exc:
            raise StoreFailed(f"{FILE}: {exc}") from exc

    def close(self) -> None:
        """
        Give the file back.
        """
        self._file.close()


def _framed(entry: Entry) -> bytes:
    data = _ENCODER.encode(entry)
    return b"".join((_word(len(data)), _word(zlib.crc32(data)), data))


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, "big")


def _entry(data: bytes, at: int) -> bytes:
    """
    The record that begins there; empty: there is none, or it is not whole.
    """
    begin = at + 2 * _WORD
    length = int.from_bytes(data[at : at + _WORD], "big")
    found = data[begin : begin + length]
    whole = len(found) == length and _word(zlib.crc32(found)) == data[at + _WORD : begin]
    return found if whole else b""
