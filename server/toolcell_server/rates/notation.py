"""
How limits on calls are written: `"100/minute"`, `"5 per 10 seconds"`, or `calls_per_hour = 100`.
Pure.

The notation is that of the library `limits`, one limit in one text.
https://limits.readthedocs.io/en/stable/quickstart.html#rate-limit-string-notation
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAY: Final = 24 * 3600
LONGEST_SECONDS: Final = 31 * DAY  # longer ones are a matter of invoices
MOST: Final = 10**12  # of what is counted in one window; far below what a double counts exactly
MOST_WINDOWS: Final = 8  # arbitrary; of one rule
UNITS: Final = ("second", "minute", "hour", "day")
KEYS: Final = ("calls", *(f"calls_per_{unit}" for unit in UNITS))
# The library takes several limits in one text, a colon that it does not mean to, and no seconds
# for one second.
_LONGEST_TEXT: Final = 64
_ONE: Final = re.compile(r"(?!.*\b0+(?![0-9]))[0-9a-z/ ]+", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """
    At most `calls` in any `seconds`; `span` says them in words, as in "minute" or "10 seconds".
    """

    seconds: int
    calls: int
    span: str


class NotARate(ValueError):  # noqa: N818  # names what happened
    """
    Raised when something limits no calls.  `key` is where, below the rule; "" is the rule itself.
    """

    def __init__(self, key: str, value: Any, what: str) -> None:
        super().__init__(what)
        self.key, self.value, self.what = key, value, what


def windows(table: Mapping[str, Any]) -> tuple[Window, ...]:
    """
    What the keys `calls` and `calls_per_…` of a rule say, the shortest window first.

    Raises:
        NotARate: one cannot be understood, or two limit the same window.
    """
    found = sorted([*_written(table), *_numbered(table)])
    for first, second in itertools.pairwise(found):
        if first.seconds == second.seconds:
            raise NotARate("calls", table.get("calls"), f"limits one {first.span} twice; keep one")
    if len(found) > MOST_WINDOWS:
        raise NotARate("calls", table.get("calls"), f"has more than {MOST_WINDOWS} windows")
    return tuple(found)


def count(key: str, value: Any) -> int:
    """
    A positive whole number.

    Raises:
        NotARate: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise NotARate(key, value, f"must be a whole number from 1 to {MOST}")
    return value


def _written(table: Mapping[str, Any]) -> Iterator[Window]:
    value = table.get("calls", ())
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        raise NotARate("calls", value, 'must be a text as "100/minute", or a list of such texts')
    for text in texts:
        yield _parsed(text)


def _numbered(table: Mapping[str, Any]) -> Iterator[Window]:
    for unit in UNITS:
        key = f"calls_per_{unit}"
        if key in table:
            yield _parsed(f"{count(key, table[key])}/{unit}")


def _parsed(text: Any) -> Window:
    remedy = 'is no rate; write "100/minute", with second, minute, hour or day'
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT or not _ONE.fullmatch(text):
        raise NotARate("calls", text, remedy)
    try:
        item = limits.parse(text)
    except ValueError:
        raise NotARate("calls", text, remedy) from None
    seconds = item.get_expiry()
    if not 0 < seconds <= LONGEST_SECONDS:
        raise NotARate("calls", text, "must have a window from 1 second to 31 days")
    unit = item.GRANULARITY.name
    span = unit if item.multiples == 1 else f"{item.multiples} {unit}s"
    return Window(seconds, count("calls", item.amount), span)
