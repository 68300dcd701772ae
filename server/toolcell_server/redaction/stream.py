"""
Takes secrets out of a stream of bytes, wherever it is cut into pieces.  Pure.

Theory of operation.  After each piece there is a place from which on nothing is decided: what
stands there could be the beginning of a secret.  Everything before it leaves at once, everything
after is held back, and that is never longer than the longest secret.  Every match begins before
or after that place, so what leaves does not depend on how the stream was cut (a test says so, for
any cut).  A match that reaches beyond the place has its mark sent now; how many of the held bytes
it covers is remembered.  The run of a shape may reach the end and go on: it is swallowed as it
comes.

Where a stream is cut off (the tool ended, or output beyond the limit was left out), the beginning
of a known secret before the cut goes too, and its end after the cut, from eight bytes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.redaction.finder import REDACTED

if TYPE_CHECKING:
    from toolcell_server.redaction.finder import Finder
    from toolcell_server.redaction.shapes import Shape

_MARK: Final = REDACTED.encode()


class Stream:
    """
    One stream.  `after_gap`: bytes before its first were left out.
    """

    def __init__(self, finder: Finder, *, after_gap: bool = False) -> None:
        self._finder = finder
        self._held = b""
        self._covered = 0  # of the held bytes, by a mark that was sent
        self._shapes_from = 0  # where in the held bytes the next shape may begin
        self._running: Shape | None = None  # whose run reached the end
        self._after_gap = after_gap

    def feed(self, data: bytes) -> bytes:
        """
        What may leave now.
        """
        return self._take(data, last=False)

    def flush(self) -> bytes:
        """
        What was held back; the stream has ended.
        """
        return self._take(b"", last=True)

    def _take(self, data: bytes, *, last: bool) -> bytes:
        held = self._held + data
        found = self._go_on(held, last=last)
        decided = len(held) if last else self._finder.undecided(held, self._shapes_from)
        if self._finder.sees(held):
            found += self._finder.occurrences(held, decided)
            found += self._shaped(held, decided, last=last)
        if last and (begun := self._finder.begun(held)) < len(held):
            found.append((begun, len(held)))
        left = self._marked(held, sorted(found), decided)
        self._held = held[decided:]
        self._shapes_from = max(0, self._shapes_from - decided)
        return left

    def _go_on(self, held: bytes, *, last: bool) -> list[tuple[int, int]]:
        """
        With the run that reached the end, and with what a gap has cut off.
        """
        if self._running is not None:
            end = self._finder.run_end(self._running, held, len(self._held))
            self._covered = self._shapes_from = end
            if end < len(held) or last:
                self._running = None
        if self._after_gap and held:
            self._after_gap = False
            if ended := self._finder.ended(held):
                return [(0, ended)]
        return []

    def _shaped(self, held: bytes, decided: int, *, last: bool) -> list[tuple[int, int]]:
        found = []
        for begin, end, shape in self._finder.shaped(held, self._shapes_from, decided):
            found.append((begin, end))
            self._shapes_from = end
            if end == len(held) and not last:
                self._running = shape
        return found

    def _marked(self, held: bytes, found: list[tuple[int, int]], decided: int) -> bytes:
        """
        What is decided, with a mark in place of each secret; those that overlap have one.
        """
        covered, parts = self._covered, []
        for begin, end in found:
            if begin >= covered:
                parts += [held[covered:begin], _MARK]
            covered = max(covered, end)
        if covered < decided:
            parts.append(held[covered:decided])
        self._covered = max(0, covered - decided)
        return b"".join(parts)
