r"""
The regular expressions of rules, read into a tree.  Pure.

Theory of operation.  What can be written is what an automaton can follow without ever going back:
literals, `.`, sets, `\d \w \s` and their opposites (of ASCII), groups, `|` and repetition.
References to groups, looking ahead or behind and anchors are refused; the whole value is matched
anyhow.  Each thing means what it means in Python's `re` with `re.ASCII`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAXIMUM_LENGTH: Final = 256
MAXIMUM_REPEAT: Final = 255
_MAXIMUM_DEPTH: Final = 32
_CLASSES: Final = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
}
_CONTROLS: Final = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11}
_ASSERTIONS: Final = "^ and $ are not supported: the whole value is matched; leave them out"


class BadPattern(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a pattern cannot be used; says why.
    """


@dataclass(frozen=True, slots=True)
class Characters:
    """
    A set of characters: those in one of the parts, each of which is ranges or their opposite.
    """

    parts: tuple[tuple[tuple[tuple[int, int], ...], bool], ...]
    negated: bool = False

    def __contains__(self, number: int) -> bool:
        for ranges, opposite in self.parts:
            for low, high in ranges:
                if low <= number <= high:
                    break
            else:
                if opposite:
                    return not self.negated
                continue
            if not opposite:
                return not self.negated
        return self.negated


@dataclass(frozen=True, slots=True)
class Repeat:
    """
    Something that comes at least `low` and at most `high` times; None: any number of times.
    """

    node: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Several:
    """
    One after the other, or (`choice`) one of them.
    """

    nodes: tuple[Node, ...]
    choice: bool = False


Node = Characters | Repeat | Several
ANY: Final = Characters(((((10, 10),), True),))  # all but the end of a line


def parse(pattern: str) -> Node:
    """
    The tree of a pattern.

    Raises:
        BadPattern: it is malformed, too long, or uses what is not supported.
    """
    if len(pattern) > MAXIMUM_LENGTH:
        raise BadPattern(f"a pattern has at most {MAXIMUM_LENGTH} characters")
    reader = _Reader(pattern)
    tree = reader.choice(0)
    if reader.at < len(pattern):
        raise BadPattern("a ) has no (; write \\) for the character")
    return tree


class _Reader:
    """
    Reads from left to right, one method for each thing of the grammar.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def choice(self, depth: int) -> Node:
        if depth > _MAXIMUM_DEPTH:
            raise BadPattern(f"groups are nested deeper than {_MAXIMUM_DEPTH}")
        ways = [self._sequence(depth)]
        while self._next() == "|":
            self.at += 1
            ways.append(self._sequence(depth))
        return ways[0] if len(ways) == 1 else Several(tuple(ways), choice=True)

    def _sequence(self, depth: int) -> Node:
        nodes = []
        while self._next() not in {"", "|", ")"}:
            nodes.append(self._repeated(self._atom(depth)))
        return Several(tuple(nodes))

    def _atom(self, depth: int) -> Node:
        character = self._take()
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return self._set()
            case ".":
                return ANY
            case "\\":
                return self._escape()
            case "^" | "$":
                raise BadPattern(_ASSERTIONS)
            case "*" | "+" | "?" | "{":
                raise BadPattern(f"{character} repeats nothing; write \\{character} for the sign")
        return _one(ord(character))

    def _group(self, depth: int) -> Node:
        if self._next() == "?":
            if self._pattern[self.at : self.at + 2] != "?:":
                raise BadPattern("of groups only (…) and (?:…) are supported")
            self.at += 2
        node = self.choice(depth + 1)
        if self._next() != ")":
            raise BadPattern("a ( has no )")
        self.at += 1
        return node

    def _repeated(self, node: Node) -> Node:
        match self._next():
            case "*":
                low, high = 0, None
            case "+":
                low, high = 1, None
            case "?":
                low, high = 0, 1
            case "{":
                low, high = self._counts()
            case _:
                return node
        self.at += 1
        if self._next() in {"*", "+", "?", "{"}:
            raise BadPattern("a repetition is repeated or made lazy; use a group, or leave it out")
        return Repeat(node, low, high)

    def _counts(self) -> tuple[int, int | None]:
        """
        What stands between { and }, and leaves the reader at the latter.
        """
        end = self._pattern.find("}", self.at)
        low, comma, high = self._pattern[self.at + 1 : max(end, self.at)].partition(",")
        numbers = [number for number in (low, high) if number]
        if not low or not all(number.isascii() and number.isdecimal() for number in numbers):
            raise BadPattern("a { is followed by no count such as {3} or {2,5}; write \\{ for it")
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > MAXIMUM_REPEAT or (most is not None and most < least):
            raise BadPattern(f"counts go up, and to {MAXIMUM_REPEAT} at most")
        self.at = end
        return least, most

    def _set(self) -> Characters:
        negated = self._next() == "^"
        self.at += negated
        parts = list[tuple[tuple[tuple[int, int], ...], bool]]()
        while self._next() != "]" or not parts:
            low = self._member()
            if self._next() != "-" or self._pattern[self.at + 1 : self.at + 2] in {"]", ""}:
                parts += low.parts
                continue
            self.at += 1
            parts += _range(low, self._member())
        self.at += 1
        return Characters(tuple(parts), negated)

    def _member(self) -> Characters:
        character = self._take()
        if not character:
            raise BadPattern("a [ has no ]")
        return self._escape() if character == "\\" else _one(ord(character))

    def _escape(self) -> Characters:
        character = self._take()
        if character.lower() in _CLASSES:
            return Characters(((_CLASSES[character.lower()], character.isupper()),))
        if character in _CONTROLS:
            return _one(_CONTROLS[character])
        if not character or character.isalnum():
            raise BadPattern(f"\\{character} is not supported")
        return _one(ord(character))

    def _next(self) -> str:
        return self._pattern[self.at : self.at + 1]

    def _take(self) -> str:
        character = self._next()
        self.at += 1
        return character


def _one(number: int) -> Characters:
    return Characters(((((number, number),), False),))


def _range(low: Characters, high: Characters) -> list[tuple[tuple[tuple[int, int], ...], bool]]:
    ends = [part for each in (low, high) for ranges, _ in each.parts for part in ranges]
    singles = len(ends) == 2 and all(first == last for first, last in ends)
    if not singles or ends[0][0] > ends[1][0]:
        raise BadPattern("a range in [] goes from one character up to another")
    return [(((ends[0][0], ends[1][0]),), False)]
