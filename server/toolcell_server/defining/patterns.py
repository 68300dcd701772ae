r"""
Regular expressions that may take time without end.  Pure.

Theory of operation.  Python's engine tries every way in which an expression can match.  A repeated
part that can match one text as one turn or as two (`(a+)+`, `(a|aa)*`, `(\w*,?)*`) makes these
ways double with each character.  So a repeated part is looked at where its turns meet: if it may
end in something that could go on, and what could go on may begin another turn, it is ambiguous.  So
it is if a repeat in it takes all that is around it (`(.*,)+`).  `([a-z]+-)*` is not: what ends a
turn begins none, and no letter is a dash.

This finds what people write by mistake and what attackers write on purpose, as a remedy for who
writes it.  It is no wall: patterns are matched in a process that is killed when it takes too long.
"""

from __future__ import annotations

import re
from re import _constants as kinds  # the parser that `re` itself uses
from re import _parser
from typing import Any, Final

_MANY: Final = 16  # so many turns are as bad as no bound
_CHARACTERS: Final = frozenset(map(chr, range(128))) | {"ä", "λ", "中", "\u2028"}
_GROUPS: Final = (kinds.SUBPATTERN, kinds.ATOMIC_GROUP)


def ambiguous(pattern: str) -> bool:
    """
    Whether a part of it is repeated, and may match one text in many ways.  False for what is no
    expression, and for what is beyond this reading.
    """
    try:
        return any(map(_is_ambiguous, _repeats(_parser.parse(pattern))))
    except (re.error, OverflowError, RecursionError, LookupError, TypeError, ValueError):
        return False


def _repeats(steps: Any) -> Any:
    """
    The bodies of all parts that are repeated many times, also those in others.
    """
    for kind, value in steps:
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            _, most, body = value
            if most >= _MANY and kind != kinds.POSSESSIVE_REPEAT:
                yield body
            yield from _repeats(body)
        elif kind in _GROUPS:
            yield from _repeats(value[-1] if kind == kinds.SUBPATTERN else value)
        elif kind == kinds.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch)


def _is_ambiguous(body: Any) -> bool:
    while len(body) == 1 and body[0][0] == kinds.SUBPATTERN:
        body = body[0][1][-1]
    meet = _going_on(body) & _first(body)
    return bool(meet) or _branches_meet(body) or _swallows(list(body))


def _swallows(steps: list[Any]) -> bool:
    """
    Whether a repeat in the part takes all that is around it as well, and so the next turn.
    """
    for at, (kind, value) in enumerate(steps):
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT) and value[1] >= _MANY:
            taken = _first(value[2])
            others = steps[:at] + steps[at + 1 :]
            if taken and all(_may_be_empty([one]) or _first([one]) & taken for one in others):
                return True
    return False


def _branches_meet(steps: Any) -> bool:
    """
    Whether the part is a choice, two of whose alternatives begin alike.
    """
    if len(steps) != 1 or steps[0][0] != kinds.BRANCH:
        return False
    firsts = [_first(branch) for branch in steps[0][1][1]]
    return any(a & b for at, a in enumerate(firsts) for b in firsts[at + 1 :])


def _first(steps: Any) -> frozenset[str]:
    """
    The characters that may come first.
    """
    found: frozenset[str] = frozenset()
    for step in steps:
        found |= _first_of(*step)
        if not _may_be_empty([step]):
            break
    return found


def _first_of(kind: Any, value: Any) -> frozenset[str]:
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        return _first(value[2])
    if kind in _GROUPS:
        return _first(value[-1] if kind == kinds.SUBPATTERN else value)
    if kind == kinds.BRANCH:
        return frozenset().union(*map(_first, value[1]))
    return _matched(kind, value)


def _going_on(steps: Any) -> frozenset[str]:
    """
    The characters with which the end of the part could go on, where it could end as well.
    """
    found: frozenset[str] = frozenset()
    for step in reversed(list(steps)):
        kind, value = step
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
            least, most, body = value
            found |= _first(body) if most > least else _going_on(body)
        elif kind == kinds.SUBPATTERN:
            found |= _going_on(value[-1])
        elif kind == kinds.BRANCH:
            empty = any(map(_may_be_empty, value[1]))
            found |= frozenset().union(*map(_first if empty else _going_on, value[1]))
        if not _may_be_empty([step]):
            break
    return found


def _may_be_empty(steps: Any) -> bool:
    return all(_step_may_be_empty(*step) for step in steps)


def _step_may_be_empty(kind: Any, value: Any) -> bool:
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        return value[0] == 0 or _may_be_empty(value[2])
    if kind in _GROUPS:
        return _may_be_empty(value[-1] if kind == kinds.SUBPATTERN else value)
    if kind == kinds.BRANCH:
        return any(map(_may_be_empty, value[1]))
    return kind in (kinds.AT, kinds.ASSERT, kinds.ASSERT_NOT, kinds.GROUPREF)


def _matched(kind: Any, value: Any) -> frozenset[str]:
    """
    Which of some characters one step takes, as the engine itself says.
    """
    if kind not in (kinds.LITERAL, kinds.NOT_LITERAL, kinds.ANY, kinds.IN):
        return frozenset()
    if kind == kinds.LITERAL:
        return frozenset({chr(value)})
    if kind == kinds.NOT_LITERAL:
        return _CHARACTERS - {chr(value)}
    if kind == kinds.ANY:
        return _CHARACTERS
    return frozenset(filter(_in(value), _CHARACTERS))


def _in(parts: Any) -> Any:
    negated = bool(parts) and parts[0][0] == kinds.NEGATE
    tests = [_test(*part) for part in parts[negated:]]
    return lambda character: any(test(character) for test in tests) is not negated


def _test(kind: Any, value: Any) -> Any:
    if kind == kinds.LITERAL:
        return lambda character: ord(character) == value
    if kind == kinds.RANGE:
        return lambda character: value[0] <= ord(character) <= value[1]
    return re.compile(_CATEGORIES[value]).fullmatch


_CATEGORIES: Final[dict[Any, str]] = {
    kinds.CATEGORY_DIGIT: r"\d",
    kinds.CATEGORY_NOT_DIGIT: r"\D",
    kinds.CATEGORY_SPACE: r"\s",
    kinds.CATEGORY_NOT_SPACE: r"\S",
    kinds.CATEGORY_WORD: r"\w",
    kinds.CATEGORY_NOT_WORD: r"\W",
}
