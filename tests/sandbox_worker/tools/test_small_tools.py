from __future__ import annotations

import datetime as dt
import math
import os
import sys
import time
from typing import Any

import pytest
from performing import builtin, perform
from toolcell_worker import arithmetic


def calculate(expression: str) -> Any:
    return perform(builtin("calculate"), {"expression": expression})


VALUES: dict[str, float] = {
    "1 + 2 * 3": 7,
    "(17.5 * 12) / 3": 70.0,
    "2**10": 1024,
    "-7 // 2": -4,
    "7 % 3": 1,
    "sqrt(2)": math.sqrt(2),
    "comb(52, 5)": 2598960,
    "factorial(20)": math.factorial(20),
    "max(1, 2.5, -3)": 2.5,
    "mean([1, 2, 4])": 7 / 3,
    "sum([1, 2, 3]) + prod([2, 3])": 12,
    "round(2.675, 2)": 2.67,
    "sin(pi / 2)": 1.0,
    "2**0.5": math.sqrt(2),
    "2**-2": 0.25,
    "0.1 + 0.2": 0.1 + 0.2,
    "1 << 4 | 1": 17,
}


@pytest.mark.parametrize("expression", VALUES)
def test_arithmetic_is_right(expression: str) -> None:
    """
    A model uses it because its own would not be.
    """
    assert calculate(expression).result["value"] == VALUES[expression]


def test_large_integers_are_exact_as_digits() -> None:
    """
    Many programs read JSON numbers with 53 bits.
    """
    assert calculate("3**200").result["text"] == str(3**200)


REFUSED = {
    "a name": ("x + 1", "'x' is not known"),
    "a call of something else": ("open('/etc/passwd')", "'open' is not known"),
    "an attribute": ("(1).__class__", "is not arithmetic"),
    "a text": ("'a' * 10", "is not arithmetic"),
    "a function through a list": ("[abs][0](1)", "is not arithmetic"),
    "a comprehension": ("sum([x for x in [1]])", "is not arithmetic"),
    "a condition": ("1 if 1 else 2", "is not arithmetic"),
    "an argument by name": ("round(1.5, ndigits=0)", "is not"),
    "a hat for a power": ("2^10", "write **"),
    "a huge power": ("9**9**9", "too large"),
    "a huge power of floats": ("9.0**9999", "no value"),
    "powers of powers": ("((2**9999)**9)", "too large"),
    "a huge factorial": ("factorial(10**6)", "too large"),
    "a huge shift": ("1 << 10**9", "too large"),
    "a huge choice": ("comb(10**9, 5*10**8)", "too large"),
    "a huge permutation": ("perm(10**6, 10**5)", "too large"),
    "a huge product": ("prod([" + "2**9999," * 60 + "])", "too large"),
    "a root of a negative number": ("sqrt(-1)", "no value"),
    "an imaginary number": ("(-1)**0.5", "not a real number"),
    "a division by zero": ("1 / 0", "divides by zero"),
    "infinity": ("1e308 * 10", "not a finite number"),
    "deep nesting": ("-" * 1500 + "1", "too deeply"),
    "many brackets": ("(" * 900 + "1" + ")" * 900, ""),
    "nonsense": ("1 +", "invalid syntax at character"),
    "a list": ("[1, 2]", "not one real number"),
    "a statement": ("import os", "invalid syntax"),
    "a NUL byte": ("1\0", ""),
}


@pytest.mark.parametrize(("expression", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_arithmetic_or_too_large_is_refused_at_once(
    expression: str, words: str
) -> None:
    """
    A calculator is not a way to run code, nor to burn a processor.
    """
    begun = time.process_time()
    found = calculate(expression).raised

    assert time.process_time() - begun < 1
    assert found["category"] == "user"
    assert words in found["message"]


def test_every_function_that_is_named_exists() -> None:
    """
    The list is written as text.
    """
    assert all(map(callable, arithmetic.FUNCTIONS.values()))


def test_the_time_is_told_in_a_zone() -> None:
    """
    The offset must be that of the zone today.
    """
    result = perform(builtin("current_time"), {"timezone": "Asia/Kolkata"}).result
    moment = dt.datetime.fromisoformat(result["iso"])

    assert (result["utc_offset"], moment.utcoffset()) == ("+05:30", dt.timedelta(hours=5.5))
    assert abs(moment.timestamp() - time.time()) < 60
    assert result["weekday"] == moment.strftime("%A")


UNKNOWN_ZONES = {
    "a typing error": ("Europe/Berln", "Europe/Berlin"),
    "a city alone": ("new york", "America/New_York"),
    "the wrong case": ("europe/paris", "Europe/Paris"),
}


@pytest.mark.parametrize(("name", "meant"), UNKNOWN_ZONES.values(), ids=UNKNOWN_ZONES)
def test_an_unknown_zone_comes_with_what_was_meant(name: str, meant: str) -> None:
    """
    The next call then works.
    """
    found = perform(builtin("current_time"), {"timezone": name}).raised

    assert found["code"] == "UNKNOWN_TIMEZONE"
    assert meant in found["hint"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", "a\0b", "x" * 5000])
def test_a_path_is_no_zone(name: str) -> None:
    """
    Zones are files, and names of zones become paths.
    """
    assert perform(builtin("current_time"), {"timezone": name}).raised["category"] == "user"


def test_the_system_is_described_without_its_secrets() -> None:
    """
    What a cell offers, not whose host it is on.
    """
    result = perform(builtin("system_info"), {}).result

    assert result["python"] == ".".join(map(str, sys.version_info[:3]))
    assert result["cpus"] >= 1
    assert result["limits"]["memory_bytes"] == 512 * 2**20
    assert 0 < result["seconds_left"] <= 30
    assert os.uname().nodename not in result.values()


TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": ("", {"lines": 0, "words": 0, "characters": 0, "frequent": []}),
    "one line without an end": (
        "one",
        {"lines": 1, "words": 1, "characters": 3, "frequent": [{"word": "one", "count": 1}]},
    ),
    "empty lines": ("\n\n", {"lines": 2, "words": 0, "characters": 2, "frequent": []}),
    "case, quotes and apostrophes": (
        "The 'the' don't.\nTHE \"end\"\n",
        {
            "lines": 2,
            "words": 5,
            "characters": 27,
            "frequent": [{"word": "the", "count": 3}, {"word": "don't", "count": 1}],
        },
    ),
    "letters beyond ASCII": (
        "Größe größe ☃\n",
        {
            "lines": 1,
            "words": 3,
            "characters": 14,
            "frequent": [{"word": "größe", "count": 2}, {"word": "☃", "count": 1}],
        },
    ),
    "what a shell or awk could take for code": (
        "$(id) `id` \\n %s {print} x\\\n",
        {
            "lines": 1,
            "words": 6,
            "characters": 28,
            "frequent": [{"word": "id", "count": 2}, {"word": "n", "count": 1}],
        },
    ),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_a_text_is_counted(text: str, expected: dict[str, Any]) -> None:
    """
    A tool that is not Python does its work like any other.
    """
    result = perform(builtin("text_stats"), {"text": text, "top": 2}).result

    assert result == expected


def test_the_number_of_frequent_words_has_a_default() -> None:
    """
    A schema's default holds for commands, too.
    """
    text = " ".join(chr(97 + n) for n in range(26))

    assert len(perform(builtin("text_stats"), {"text": text}).result["frequent"]) == 10
