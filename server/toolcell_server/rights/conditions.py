"""
One condition on one argument, and whether it holds.  Pure.

Theory of operation.  An answer is one of three: it holds, it does not, or nobody can say, because
the argument is missing or of a type that the condition does not speak of.  What "nobody can say"
means is the rule's business (`rules.py`): nothing that a caller leaves out or spells differently
may switch off a rule that forbids.  A tool gives an argument that is missing its default, which a
rule does not know; that is why missing is not "does not hold".  Whoever means "if it is there"
says so, with a condition that it is present.

A text that is too long to be matched is an answer of its own: such a call is refused.

Paths are texts here.  `.` and `//` are taken out; a path with `..` is not understood, because what
it names depends on links: the kernel follows them, and a text does not.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server import json_pointer
from toolcell_server.paths import MAXIMUM_BYTES, lies_in
from toolcell_server.rights.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_MATCHED: Final = 1024  # characters; some 20 ms with the worst pattern that was found
_LONGEST_SET: Final = 1000


class Answer(enum.Enum):
    """
    Whether something holds.
    """

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"
    TOO_LONG = "too long"


class BadCondition(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a condition makes no sense; the text says why, and what to write.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """
    `test` is a key of `TESTS`; `value` is what the test needs, checked and prepared.
    """

    argument: str
    test: str
    value: Any
    parts: tuple[str, ...]

    @classmethod
    def build(cls, argument: str, test: str, value: Any) -> Self:
        """
        Raises:
            BadCondition: it makes no sense.
        """
        try:
            parts = json_pointer.parse(argument)
            prepared = TESTS[test][0](value)
        except KeyError:
            raise BadCondition(
                f"is = {test!r} is unknown; write one of {', '.join(TESTS)}"
            ) from None
        except ValueError as exc:
            raise BadCondition(f"{argument!r} {test}: {exc}") from None
        return cls(argument=argument, test=test, value=prepared, parts=parts)

    def answer(self, arguments: dict[str, Any]) -> Answer:
        """
        Whether it holds for these arguments.
        """
        found = json_pointer.find(arguments, self.parts)
        if self.test == "present":
            return _said((found is not json_pointer.MISSING) == self.value)
        if found is json_pointer.MISSING:
            return Answer.UNDECIDED
        return TESTS[self.test][1](self.value, found)


def _said(holds: bool) -> Answer:  # noqa: FBT001  # the one thing that it is about
    return Answer.YES if holds else Answer.NO


def _kind(value: Any) -> str:
    """
    The JSON type of a value; a whole number and a fraction are one type.
    """
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _same(expected: Any, found: Any) -> bool:
    """
    Equal as JSON is: true is not 1.
    """
    if _kind(expected) != _kind(found):
        return False
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(_same, expected, found))
    if isinstance(expected, dict):
        return expected.keys() == found.keys() and all(
            _same(value, found[key]) for key, value in expected.items()
        )
    return bool(expected == found)


def _plain(value: Any) -> Any:
    """
    A value that a JSON value can be compared with.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if not isinstance(value, str | bool | int | float) or value != value:  # noqa: PLR0124  # NaN
        raise ValueError("give a text, a number, true, false, or a list or table of them")
    return value


def _number(value: Any) -> float:
    if _kind(value) != "number" or value != value:  # noqa: PLR0124  # NaN
        raise ValueError("give a number")
    return value  # type: ignore[no-any-return]  # a whole one stays exact


def _bounds(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("give two numbers, [1, 10]")
    low, high = map(_number, value)
    if high < low:
        raise ValueError("the first number is the lower one")
    return low, high


def _choices(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= _LONGEST_SET:
        raise ValueError(f"give a list of 1 to {_LONGEST_SET} values")
    return [_plain(item) for item in value]


def _pattern(value: Any) -> Pattern:
    if not isinstance(value, str):
        raise ValueError("give a regular expression as a text")  # noqa: TRY004  # of settings
    return Pattern(value)


def _directories(value: Any) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    paths = [ordered(text) if isinstance(text, str) else None for text in texts]
    if not paths or None in paths:
        raise ValueError("give an absolute path without .. in it, or a list of them")
    return tuple(path for path in paths if path is not None)


def _switch(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise ValueError("give true or false, or leave the value out")  # noqa: TRY004  # as above
    return value


def ordered(path: str) -> str | None:
    """
    The path without `.`, `//` and a slash at its end; None if it is not absolute, has a `..` or a
    NUL or is longer than the kernel takes, and so cannot be told from its text.
    """
    if len(path) > MAXIMUM_BYTES:
        return None
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not path.startswith("/") or ".." in parts or "\0" in path:
        return None
    return "/" + "/".join(parts)


def _equals(expected: Any, found: Any) -> Answer:
    if _kind(expected) != _kind(found):
        return Answer.UNDECIDED
    return _said(_same(expected, found))


def _in_set(choices: list[Any], found: Any) -> Answer:
    comparable = [choice for choice in choices if _kind(choice) == _kind(found)]
    if not comparable:
        return Answer.UNDECIDED
    return _said(any(_same(choice, found) for choice in comparable))


def _ordered_numbers(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Answer]:
    def answer(expected: Any, found: Any) -> Answer:
        return _said(compare(expected, found)) if _kind(found) == "number" else Answer.UNDECIDED

    return answer


def _matches(pattern: Pattern, found: Any) -> Answer:
    if not isinstance(found, str):
        return Answer.UNDECIDED
    if len(found) > LONGEST_MATCHED:
        return Answer.TOO_LONG
    return _said(pattern.matches(found))


def _within_path(directories: tuple[str, ...], found: Any) -> Answer:
    path = ordered(found) if isinstance(found, str) else None
    if path is None:
        return Answer.UNDECIDED
    return _said(any(lies_in(path, directory) for directory in directories))


# How a value of the settings is prepared, and how an argument is compared with it.
TESTS: Final[dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Answer]]]] = {
    "equals": (_plain, _equals),
    "greater": (_number, _ordered_numbers(lambda bound, found: found > bound)),
    "less": (_number, _ordered_numbers(lambda bound, found: found < bound)),
    "in_range": (_bounds, _ordered_numbers(lambda ends, found: ends[0] <= found <= ends[1])),
    "in_set": (_choices, _in_set),
    "matches": (_pattern, _matches),
    "within_path": (_directories, _within_path),
    "present": (_switch, lambda _, __: Answer.YES),
}
