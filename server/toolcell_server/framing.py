"""
Frames out of the bytes and the descriptors that a socket gave.  Reads nothing itself.

Theory of operation.  The kernel does not merge bytes that carry descriptors with bytes that follow
them (unix(7)), so the descriptors of one read belong to the last frame that begins in it; when a
large one ends, in a later read, others may be whole that began after it.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from typing import TYPE_CHECKING

from toolcell_worker.wire import HEADER, MAXIMUM_DESCRIPTORS, Message, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Framing:
    """
    Takes what was read, in order, and keeps whole frames until they are taken.  `broken` is raised
    once what came before it is taken.
    """

    def __init__(self, maximum: int) -> None:
        self.broken: ProtocolError | None = None
        self.pending: deque[Message] = deque()
        self._maximum = maximum
        self._buffer = bytearray()
        self._descriptors: list[int] = []  # of the frame that has begun and is not whole
        self._most_descriptors = MAXIMUM_DESCRIPTORS

    def feed(self, data: bytes, came: Sequence[int], *, cut: bool = False) -> None:
        """
        What one read gave.  `cut`: of its descriptors we have only a part.
        """
        if cut:
            self._most_descriptors = 0
        self._buffer += data
        self._give_out(self._whole(), came)

    def refuse_descriptors(self) -> None:
        """
        From now on a descriptor that comes breaks the channel, and so does one that came with the
        beginning of a frame.
        """
        self._most_descriptors = 0
        if self._descriptors:
            self.broken = ProtocolError("more descriptors came than are taken")

    def close(self) -> None:
        """
        Close every descriptor that nobody took.
        """
        for message in self.pending:
            self._descriptors += message.descriptors
        self.pending.clear()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def _whole(self) -> list[tuple[int, bytes]]:
        """
        Whole frames, taken out of the buffer.
        """
        position = 0
        view = memoryview(self._buffer)
        whole: list[tuple[int, bytes]] = []
        while len(view) - position >= HEADER.size:
            kind, length = HEADER.unpack_from(view, position)
            if length > self._maximum:
                self.broken = ProtocolError(
                    f"frame {kind} of {length} bytes; {self._maximum} are taken"
                )
                break
            end = position + HEADER.size + length
            if end > len(view):
                break
            whole.append((kind, bytes(view[position + HEADER.size : end])))
            position = end
        view.release()
        del self._buffer[:position]
        return whole

    def _give_out(self, whole: Sequence[tuple[int, bytes]], came: Sequence[int]) -> None:
        """
        Give each frame its descriptors: the first those that came before it was whole, the last
        to begin those that came now.
        """
        owned: list[list[int]] = [[] for _ in whole]
        if self._buffer:
            owned.append([])
        owned[0] += self._descriptors
        owned[-1] += came
        self._descriptors = owned.pop() if self._buffer else []
        for number, (kind, payload) in enumerate(whole):
            if len(owned[number]) > self._most_descriptors:
                # It does not count, nor does what follows; they are closed with us.
                self._descriptors += itertools.chain.from_iterable(owned[number:])
                break
            self.pending.append(Message(kind, payload, tuple(owned[number])))
        # A frame that never ends could otherwise gather as many as we may open.
        if len(self._descriptors) > self._most_descriptors:
            self.broken = ProtocolError("more descriptors came than are taken")
