"""
Whatever a value is, what is said of it is short, plain and counted.
"""

from __future__ import annotations

from typing import Any

import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client.voice.languages import GERMAN
from toolcell_client.voice.speakable import MOST_CHARACTERS, speakable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "nothing"),
        (True, "yes"),
        (3.14159, "3.14"),
        (2.0, "2"),
        (0.000001, "1.00e-06"),
        (10**30, "31 digits"),
        ([], "nothing"),
        (["a"], "a"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefgh"), "a, b, c, d, e and 3 more"),
        ({"temp_celsius": 3, "city": "Oslo"}, "temp: 3 degrees Celsius and city: Oslo"),
        ("**Done**, see https://www.example.org/a/b?c=d", "Done , see example.org"),
        ("file 123e4567-e89b-12d3-a456-426614174000 saved", "file … saved"),
    ],
)
def test_what_is_said(value: Any, said: str) -> None:
    assert said == speakable(value)


def test_other_languages_have_their_own_words() -> None:
    assert "a, b, c, d, e und 1 weitere" == speakable(list("abcdef"), GERMAN)


@few
@given(VALUES)
def test_it_is_bounded_and_one_line(value: Any) -> None:
    said = speakable(value)

    assert len(said) <= MOST_CHARACTERS
    assert said.isprintable()


def test_depth_and_length_do_not_break_it() -> None:
    deep: Any = 1
    for _ in range(2000):
        deep = [deep]

    assert "…" == speakable(deep)
    assert len(speakable({"x" * 10**6: "y" * 10**6, "n": 10**5000})) <= MOST_CHARACTERS
