"""
Regular expressions that take time linear in the value.  Pure.

Theory of operation.  Python's `re` goes back and tries again: `(a+)+b` takes a minute for thirty
characters, while it holds the interpreter.  Here a pattern becomes an automaton without empty
steps (Glushkov 1961): one state for each character that the pattern names, and a set of states is
one integer.  A value is read once from left to right, each character costs at most one step for
each state, and the pattern has at most `MAXIMUM_STATES`; so nothing that a caller sends takes
longer than a fraction of it that is known when the settings are read.

Rejected: a list of forbidden shapes for `re`, because it is never complete.
Checked: equal to `re.fullmatch` with `re.ASCII` (tests, hypothesis).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from toolcell_server.rights import pattern_syntax
from toolcell_server.rights.pattern_syntax import BadPattern, Characters, Repeat, Several

MAXIMUM_STATES: Final = 256
_MAXIMUM_STEPS: Final = 4096  # of the building; repeated nothing has no states
_MAXIMUM_KEPT: Final = 4096  # of the sets of states whose followers are known


class _Shape(NamedTuple):
    """
    Of a part of a pattern: whether it matches nothing at all, its first and its last states.
    """

    empty: bool
    first: int
    last: int


@dataclass(slots=True)
class Pattern:
    """
    A pattern that matches whole values.  Equal texts are equal patterns.

    Raises:
        BadPattern: it is malformed, too large, or uses what is not supported.
    """

    text: str
    _sets: dict[Characters, int] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _follow: list[int] = field(default_factory=list, init=False, repr=False, compare=False)
    _steps: int = field(default=0, init=False, repr=False, compare=False)
    _kept: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _whole: _Shape = field(default=_Shape(True, 0, 0), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._whole = self._built(pattern_syntax.parse(self.text))

    def matches(self, value: str) -> bool:
        """
        Whether it matches the whole value.
        """
        if not value:
            return self._whole.empty
        possible: dict[str, int] = {}
        reached, states = self._whole.first, 0
        for character in value:
            mask = possible.get(character)
            if mask is None:
                mask = possible[character] = self._reading(ord(character))
            states = reached & mask
            if not states:
                return False
            reached = self._after(states)
        return bool(states & self._whole.last)

    def _reading(self, number: int) -> int:
        """
        The states that a character leads to.
        """
        states = 0
        for characters, leading in self._sets.items():
            if number in characters:
                states |= leading
        return states

    def _after(self, states: int) -> int:
        """
        The states that may come next.
        """
        known = self._kept.get(states)
        if known is not None:
            return known
        followers, rest = 0, states
        while rest:
            lowest = rest & -rest
            followers |= self._follow[lowest.bit_length() - 1]
            rest ^= lowest
        if len(self._kept) >= _MAXIMUM_KEPT:
            self._kept.clear()
        self._kept[states] = followers
        return followers

    def _built(self, node: pattern_syntax.Node) -> _Shape:
        self._steps += 1
        if self._steps > _MAXIMUM_STEPS or len(self._follow) >= MAXIMUM_STATES:
            raise BadPattern(f"it has more than {MAXIMUM_STATES} places; write it shorter")
        match node:
            case Characters():
                state = 1 << len(self._follow)
                self._follow.append(0)
                self._sets[node] = self._sets.get(node, 0) | state
                return _Shape(False, state, state)
            case Several(nodes, choice=True):
                return _either([self._built(one) for one in nodes])
            case Several(nodes):
                return self._in_order([self._built(one) for one in nodes])
            case Repeat():
                return self._repeated(node)

    def _in_order(self, shapes: list[_Shape]) -> _Shape:
        whole = _Shape(True, 0, 0)
        for shape in shapes:
            self._connect(whole.last, shape.first)
            whole = _Shape(
                whole.empty and shape.empty,
                whole.first | (shape.first if whole.empty else 0),
                shape.last | (whole.last if shape.empty else 0),
            )
        return whole

    def _repeated(self, repeat: Repeat) -> _Shape:
        shapes = [self._built(repeat.node) for _ in range(repeat.low)]
        if repeat.high is None:
            again = self._built(repeat.node)
            self._connect(again.last, again.first)
            shapes.append(again._replace(empty=True))
        else:
            optional = range(repeat.high - repeat.low)
            shapes += [self._built(repeat.node)._replace(empty=True) for _ in optional]
        return self._in_order(shapes)

    def _connect(self, last: int, first: int) -> None:
        at = 0
        while last >> at:
            if last >> at & 1:
                self._follow[at] |= first
            at += 1


def _either(shapes: list[_Shape]) -> _Shape:
    first = last = 0
    for shape in shapes:
        first, last = first | shape.first, last | shape.last
    return _Shape(any(shape.empty for shape in shapes), first, last)
