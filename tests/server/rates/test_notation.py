"""
How limits on calls are written.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.rates.notation import NotARate, Window, windows

UNDERSTOOD: list[tuple[dict[str, Any], list[tuple[int, int, str]]]] = [
    ({"calls": "100/minute"}, [(100, 60, "minute")]),
    ({"calls": "1/second"}, [(1, 1, "second")]),
    ({"calls": "5 per 10 seconds"}, [(5, 10, "10 seconds")]),
    ({"calls": "20/2hours"}, [(20, 7200, "2 hours")]),
    ({"calls": ["1000/day", "5/second"]}, [(5, 1, "second"), (1000, 86400, "day")]),
    ({"calls_per_hour": 40}, [(40, 3600, "hour")]),
    (
        {"calls": ["5/second"], "calls_per_minute": 9, "calls_per_day": 10},
        [(5, 1, "second"), (9, 60, "minute"), (10, 86400, "day")],
    ),
    ({}, []),
]


@pytest.mark.parametrize(("table", "expected"), UNDERSTOOD, ids=str)
def test_what_is_understood(table: dict[str, Any], expected: list[tuple[int, int, str]]) -> None:
    """
    The shortest window comes first, whatever stood first.
    """
    found = [(window.calls, window.seconds, window.span) for window in windows(table)]

    assert expected == found


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no unit": ({"calls": "100"}, "calls"),
    "an unknown unit": ({"calls": "100/fortnight"}, "calls"),
    "nothing at all": ({"calls": "0/minute"}, "calls"),
    "a negative number": ({"calls": "-1/minute"}, "calls"),
    "two in one text": ({"calls": "5/second; 9/minute"}, "calls"),
    "a colon that the library does not mind": ({"calls": "5/second:,9/minute"}, "calls"),
    "no time": ({"calls": "5/0 seconds"}, "calls"),
    "a window of a year": ({"calls": "5/year"}, "calls"),
    "more than can be counted": ({"calls": f"{10**20}/minute"}, "calls"),
    "a text without end": ({"calls": "5/" + " " * 10**6 + "minute"}, "calls"),
    "a number": ({"calls": 5}, "calls"),
    "a list of numbers": ({"calls": [5]}, "calls"),
    "digits of another script": ({"calls": "\N{ARABIC-INDIC DIGIT FIVE}/minute"}, "calls"),
    "one window twice": ({"calls": ["5/minute", "9/60 seconds"]}, "calls"),
    "more windows than one needs": ({"calls": [f"1/{n} seconds" for n in range(1, 11)]}, "calls"),
    "none per hour": ({"calls_per_hour": 0}, "calls_per_hour"),
    "a truth per hour": ({"calls_per_hour": True}, "calls_per_hour"),
    "half a call per day": ({"calls_per_day": 0.5}, "calls_per_day"),
}


@pytest.mark.parametrize(("table", "key"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_understood_is_refused_by_name(table: dict[str, Any], key: str) -> None:
    """
    A limit that is read as another, or as none, is worse than an error.
    """
    with pytest.raises(NotARate) as caught:
        windows(table)

    assert key == caught.value.key
    assert str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_rate_or_an_error_of_ours(text: str) -> None:
    """
    Manifests come from code that nobody has read.
    """
    try:
        found = windows({"calls": text})
    except NotARate:
        return

    assert all(isinstance(window, Window) and window.calls > 0 for window in found)
