"""
Which regular expressions may take time without end, and which only look so.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from toolcell_server.defining.patterns import ambiguous

ENDLESS = (
    r"(a+)+$",
    r"^(\w+\s?)*$",
    r"(a|aa)+$",
    r"(\w*,?)*x",
    r"(.*)*x",
    r"(?:.+)+x",
    r"([a-z]+)*\d",
    r"(\d|\d\d)+$",
    r"((ab)*)*c",
    r"(x+x+)+y",
    r"^(.*?,)+$",
    r"(\s*\w+\s*)+;",
    r"(?:(?:a|b)*c?)+d",
    r"(a?){64}b",
    r"(a|a?)+b",
    r'(".*?")+x',
    r"(?:\w+[a-z])+1",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+$",
)
HARMLESS = (
    r"^([a-z]+-)*[a-z]+$",
    r"^[a-z]+(\.[a-z]+)*$",
    r"(foo|far)+",
    r"^(\w+\s)*\w+$",
    r"^\d{4}-\d\d-\d\d$",
    r"^[A-Z]{2}\d{2}(\s?\w{4})*$",
    r"(ab|a)*",
    r"^(?:[0-9a-f]{2}:)+[0-9a-f]{2}$",
    r".*",
    r"^(\d{1,3}\.){3}\d{1,3}$",
    r"^(?:/[^/]+)+/?$",
    r"^[^@]+@[^@]+\.[a-z]+$",
    r"^(GET|POST|PUT)$",
    r"(a|b)*",
    r"^#?([a-f0-9]{6}|[a-f0-9]{3})$",
    r"(?=a)b*",
    r"^v?\d+(\.\d+)*(-[a-z]+)?$",
    r"(?:a++)+",
    r"((a))*",
    r"(?>a+)+",
    r'("[^"]*",)*',
    r"^(?:[A-Z][a-z]+ )*[A-Z][a-z]+$",
)
# Text, in which the repeated part of some of them matches nearly all, in ever so many ways.
ATTACKS = ((r"(a+)+$", "a" * 64 + "!"), (r"(x+x+)+y", "x" * 64), (r"^(.*?,)+$", "," * 64 + "!"))


@pytest.mark.parametrize("pattern", ENDLESS)
def test_what_may_be_endless_is_found(pattern: str) -> None:
    assert ambiguous(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_is_harmless_is_left_alone(pattern: str) -> None:
    assert not ambiguous(pattern)


@pytest.mark.parametrize("pattern", ["(", "[", "(?P<a>", "a{99999999999}", "(" * 5000 + ")" * 5000])
def test_what_is_no_expression_is_not_this_ones_affair(pattern: str) -> None:
    assert not ambiguous(pattern)


@pytest.mark.parametrize(("pattern", "text"), ATTACKS)
def test_they_are_endless_indeed(pattern: str, text: str) -> None:
    """
    An oracle that is not ours: Python itself does not come back.
    """
    program = f"import re; re.search({pattern!r}, {text!r})"
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", program], timeout=2, check=False)
