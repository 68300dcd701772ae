"""
That the expressions of the screens cannot backtrack without end: by their structure, not by luck.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import re._constants as opcodes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_server import screens
from toolcell_server.arguments import transforms
from toolcell_server.screens import results as result_screens

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 1024  # repetitions
REPEATS = (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT)


def expressions() -> dict[str, re.Pattern[str]]:
    """
    Every compiled expression of the screens, found where it is kept.
    """
    names = [
        module.name for module in pkgutil.iter_modules(screens.__path__, "toolcell_server.screens.")
    ]
    found: dict[str, re.Pattern[str]] = {}
    for module in [*map(importlib.import_module, names), result_screens, transforms]:
        for name, value in vars(module).items():
            for index, each in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(each, re.Pattern):
                    found[f"{module.__name__.rpartition('.')[2]}.{name}[{index}]"] = each
    return found


def faults(parsed: Any, within: int = 1) -> Iterator[str]:
    """
    Repetitions that are not bounded, and those that repeat another one many times.
    """
    for operator, value in parsed:
        if operator in REPEATS:
            _, most, body = value
            if most is opcodes.MAXREPEAT or most > LARGEST:
                yield f"repeats without a bound, or more than {LARGEST} times"
            if within > 8 and most > 1:
                yield "repeats what repeats"
            yield from faults(body, within * int(min(most, LARGEST)))
        elif operator is opcodes.POSSESSIVE_REPEAT:
            yield from faults(value[2], within)
        elif operator is opcodes.SUBPATTERN:
            yield from faults(value[3], within)
        elif operator is opcodes.BRANCH:
            for branch in value[1]:
                yield from faults(branch, within)
        elif operator in (opcodes.ASSERT, opcodes.ASSERT_NOT):
            yield from faults(value[1], within)


@pytest.mark.parametrize("name", expressions())
def test_no_expression_backtracks_without_end(name: str) -> None:
    """
    Every repetition is bounded, and none repeats another one many times: the work at each place of
    a text is bounded, so the work for a text is linear in its length.
    """
    assert [] == list(faults(parser.parse(expressions()[name].pattern)))


@pytest.mark.parametrize("pattern", ["(a+)+$", "a*b", "(?:a{1,50}){1,50}b", "(?:x|a{2,}){3}"])
def test_expressions_that_do_are_found(pattern: str) -> None:
    """
    The positive control.
    """
    assert [] != list(faults(parser.parse(pattern)))
