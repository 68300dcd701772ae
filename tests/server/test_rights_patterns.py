"""
The regular expressions of rules: they mean what Python's mean, and take no longer than they may.
"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from toolcell_server.rights.conditions import LONGEST_MATCHED
from toolcell_server.rights.pattern_syntax import BadPattern
from toolcell_server.rights.patterns import Pattern

ATOMS = st.sampled_from(
    [
        *("a", "b", "-", ".", r"\.", r"\d", r"\W", r"\s", r"\n", "[ab]", "[^a]", "[a-c1]"),
        *("[]a]", "[^]]", "[a-]", r"[\d.]", r"[^\W]", r"[\]]", "é"),
    ]
)
PATTERNS = st.recursive(
    ATOMS,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map("".join),
        st.lists(parts, min_size=1, max_size=3).map(lambda ways: f"({'|'.join(ways)})"),
        st.tuples(parts, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(deadline=None)  # whoever else uses the processor
@given(PATTERNS, st.lists(st.text("ab-.1 \n]cé", max_size=8), max_size=8))
def test_a_pattern_means_what_it_means_in_python(pattern: str, values: list[str]) -> None:
    """
    Whoever writes rules knows `re`; a second meaning of the same text would be a hole.
    """
    ours = Pattern(pattern) if pattern.count("{") < 5 else None  # or it may have too many places
    assume(ours is not None)
    assert ours
    theirs = re.compile(pattern, re.ASCII)

    assert [bool(theirs.fullmatch(value)) for value in values] == list(map(ours.matches, values))


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*a){12}b", "(a?){100}a{100}b"),
        "(a|b)*a(a|b){100}",
    ],
)
def test_what_takes_others_for_ever_is_answered_at_once(pattern: str) -> None:
    """
    A caller chooses the value; the event loop waits for the answer.
    """
    hostile = "a" * LONGEST_MATCHED
    begun = time.process_time()

    assert Pattern(pattern).matches(hostile) == (not pattern.endswith("b"))
    assert time.process_time() - begun < 1.0


REFUSED = {
    "an anchor at the beginning": ("^a", "leave them out"),
    "an anchor at the end": ("a$", "leave them out"),
    "a reference to a group": (r"(a)\1", r"\1 is not supported"),
    "looking ahead": ("(?=a)a", "only (…) and (?:…)"),
    "a flag": ("(?i)a", "only (…) and (?:…)"),
    "a named group": ("(?P<n>a)", "only (…) and (?:…)"),
    "a lazy repetition": ("a*?", "repeated or made lazy"),
    "a possessive repetition": ("a++", "repeated or made lazy"),
    "a boundary of words": (r"\bword", r"\b is not supported"),
    "an open group": ("(a", "has no )"),
    "an open set": ("[a", "has no ]"),
    "a closed group": ("a)", "has no ("),
    "a repetition of nothing": ("*a", "repeats nothing"),
    "a brace": ("a{b}", "no count"),
    "a count that goes down": ("a{3,2}", "counts go up"),
    "a count that is huge": ("a{9999}", "to 255 at most"),
    "a range that goes down": ("[b-a]", "up to another"),
    "a range of a class": (r"[\d-z]", "up to another"),
    "a backslash at the end": ("a\\", "is not supported"),
    "too many places": ("(a{100}){100}", "write it shorter"),
    "nothing, very often": ("((((){255}){255}){255}){255}", "write it shorter"),
    "a text that is too long": ("a" * 300, "at most 256 characters"),
    "groups that are too deep": ("(" * 100 + ")" * 100, "nested deeper"),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_is(sentence: str) -> None:
    """
    When the settings are read, and not when a call comes; the text says what to write instead.
    """
    pattern, told = REFUSED[sentence]
    with pytest.raises(BadPattern) as refused:
        Pattern(pattern)

    assert told in str(refused.value)
