"""
What a person watching sees, on stderr: the tool's output as it comes, its log, its progress.
"""

from __future__ import annotations

import codecs
import math
import os
import shutil
import sys
from typing import BinaryIO

from toolcell_client.cli.neutral import neutral, neutral_line

CLEAR_LINE = "\r\x1b[K"
BAR_CELLS = 24
RED = "31"
DIM = "2"


class Screen:
    """
    Writes to a terminal neutralised text, to anything else the bytes as they came.
    """

    def __init__(self, stream: BinaryIO, *, terminal: bool, colour: bool) -> None:
        self._stream = stream
        self._terminal = terminal
        self._colour = colour
        self._decoders: dict[int, codecs.IncrementalDecoder] = {}
        self._bar = ""
        self._at_line_start = True

    @classmethod
    def of_stderr(cls) -> Screen:
        terminal = sys.stderr.isatty()
        return cls(
            sys.stderr.buffer, terminal=terminal, colour=terminal and not os.environ.get("NO_COLOR")
        )

    def output(self, stream: int, data: bytes) -> None:
        """
        Bytes that the tool wrote to one of its streams.
        """
        if not self._terminal:
            self._write(data)
            return
        if stream not in self._decoders:
            self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("replace")
        text = neutral(self._decoders[stream].decode(data))
        if text:
            self._show(text)

    def line(self, text: str, colour: str = "") -> None:
        """
        One line of our own, which may quote others.
        """
        shown = neutral_line(text) if self._terminal else text.replace("\n", " ")
        if self._colour and colour:
            shown = f"\x1b[{colour}m{shown}\x1b[0m"
        self._show(shown + "\n" if self._at_line_start else f"\n{shown}\n")

    def progress(self, fraction: float | None, message: str) -> None:
        """
        How far the tool is; shown on a terminal only.
        """
        if not self._terminal:
            return
        width = shutil.get_terminal_size().columns - 1
        self._bar = f"{_bar(fraction)} {neutral_line(message)}"[:width]
        if self._at_line_start:
            self._write(f"{CLEAR_LINE}{self._bar}".encode())

    def end(self) -> None:
        """
        Take the bar away.
        """
        if self._bar and self._at_line_start:
            self._write(CLEAR_LINE.encode())
        self._bar = ""

    def _show(self, text: str) -> None:
        cleared = CLEAR_LINE if self._bar and self._at_line_start else ""
        self._at_line_start = text.endswith("\n")
        bar = self._bar if self._at_line_start else ""
        self._write(f"{cleared}{text}{bar}".encode(errors="backslashreplace"))

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()


def _bar(fraction: float | None) -> str:
    if fraction is None or math.isnan(fraction):
        return "[" + "·" * BAR_CELLS + "]     "
    filled = int(min(max(fraction, 0.0), 1.0) * BAR_CELLS)  # a tool may say anything
    return f"[{'#' * filled:<{BAR_CELLS}}] {filled * 100 // BAR_CELLS:3d}%"
