"""
Where secrets stand in bytes, and which last bytes could still become one.  Pure.

Theory of operation.  A secret that we know must go wherever it stands, so all of its occurrences
are found, those within and across others included.  Shapes are found from left to right, each
after the one before.  Exact texts are looked for one after the other: `bytes.find` passes over text
at the speed of memory, where one expression of a thousand alternatives would try them all at each
byte, and stop every other thread meanwhile.  The cost is linear in the text, times their number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from toolcell_server.redaction.shapes import Shape

REDACTED: Final = "[redacted]"
_HEAD: Final = 4  # bytes, by which beginnings are looked for
LEAST_PART: Final = 8  # bytes; less of a secret at a border is told from other text by nobody


class Finder:
    """
    Finds exact texts (`exact`, in bytes) and shapes.
    """

    def __init__(self, exact: Iterable[bytes] = (), shapes: Iterable[Shape] = ()) -> None:
        self.exact = tuple(sorted(set(exact), key=lambda form: (-len(form), form)))
        self.shapes = tuple(shapes)
        groups = (b"(%b)" % shape.matching for shape in self.shapes)
        self._shapes = re.compile(b"|".join(groups) or b"(?!)")
        openings = [opening for shape in self.shapes for opening in shape.openings]
        self._signs = tuple(dict.fromkeys([*self.exact, *openings]))
        self._heads = tuple({sign[:_HEAD] for sign in self._signs})
        self._longest = max(
            [*map(len, self.exact), *(len(o) + s.least for s in self.shapes for o in s.openings)],
            default=0,
        )

    def __bool__(self) -> bool:
        return bool(self._signs)

    @property
    def signs(self) -> int:
        """
        How many different texts are looked for.
        """
        return len(self._signs)

    def sees(self, data: bytes) -> bool:
        """
        Whether there may be a secret in it.
        """
        return any(sign in data for sign in self._signs)

    def occurrences(self, data: bytes, end: int) -> Iterator[tuple[int, int]]:
        """
        Begin and end of each exact text that begins before `end`; of one that overlaps itself, of
        all of them together.
        """
        for form in self.exact:
            begin = ends = -1
            at = data.find(form)
            while 0 <= at < end:
                if at >= ends:
                    if ends > 0:
                        yield begin, ends
                    begin = at
                ends = at + len(form)
                at = data.find(form, at + 1)
            if ends > 0:
                yield begin, ends

    def shaped(self, data: bytes, begin: int, end: int) -> Iterator[tuple[int, int, Shape]]:
        """
        Begin, end and shape of each that begins from `begin` on and before `end`.
        """
        found = self._shapes.search(data, begin)
        while found and found.start() < end:
            shape = self.shapes[(found.lastindex or 1) - 1]
            ends = self.run_end(shape, data, found.end())
            yield found.start(), ends, shape
            found = self._shapes.search(data, ends)

    @staticmethod
    def run_end(shape: Shape, data: bytes, begin: int) -> int:
        """
        Where the run of a shape ends that goes on at `begin`.
        """
        run = shape.run.match(data, begin)
        return run.end() if run else begin

    def undecided(self, data: bytes, shapes_from: int) -> int:
        """
        Where the last bytes begin that may still become a secret; the length of `data` if none may.
        """
        size = len(data)
        for at in self._places(data):
            end = data[at:]
            if any(len(form) > len(end) and form.startswith(end) for form in self.exact):
                return at
            if at >= shapes_from and any(shape.may_become(end) for shape in self.shapes):
                return at
        return size

    def begun(self, data: bytes) -> int:
        """
        Where the beginning of an exact text stands at the end, long enough to be told; else the
        length of `data`.
        """
        for at in self._places(data):
            end = data[at:]
            if len(end) >= LEAST_PART and any(form.startswith(end) for form in self.exact):
                return at
        return len(data)

    def _places(self, data: bytes) -> list[int]:
        """
        Where something may begin that the end of `data` cuts off, in order.
        """
        size = len(data)
        found = set(range(max(0, size - _HEAD + 1), size))
        for head in self._heads:
            at = data.find(head, max(0, size - self._longest))
            while at >= 0:
                found.add(at)
                at = data.find(head, at + 1)
        return sorted(found)

    def ended(self, data: bytes) -> int:
        """
        How many bytes at the beginning are the end of an exact text, long enough to be told.
        """
        ends = 0
        part = data[:LEAST_PART]
        for form in self.exact if len(part) == LEAST_PART else ():
            at = form.find(part, 1)
            while at >= 0:
                if len(form) - at > ends and data.startswith(form[at:]):
                    ends = len(form) - at
                at = form.find(part, at + 1)
        return ends
