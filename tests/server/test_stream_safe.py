"""
Normal forms of texts that were made to take long.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from typing import Literal

import pytest
from toolcell_server.arguments import transforms
from toolcell_server.screens import looks_like, readings
from toolcell_server.stream_safe import _FIRST, _LAST, MOST_MARKS, is_mark, normalized

# In the wrong order, each of them, so that sorting them by insertion is quadratic.
MARKS = "\u0315\u0300"
SHORT = 1.0  # seconds; it took 270


@pytest.mark.parametrize("mark", [MARKS, "\u0344", "\u0f73\u0f71", "\U0001d16d\U0001d165"])
def test_a_megabyte_of_marks_stops_nobody(mark: str) -> None:
    transforms.nfc("é")  # what is worked out once
    text = "a" + mark * (2**20 // len(mark.encode()))
    began = time.process_time()
    transforms.nfc(text)

    assert time.process_time() - began < SHORT


def test_what_a_screen_reads_is_bounded_in_time_not_only_in_size() -> None:
    looks_like("é", ("path",))
    text = "a" + MARKS * (readings.MAXIMUM // 2 - 1)
    began = time.process_time()
    looks_like(text, ("sql", "path", "html"))

    assert time.process_time() - began < SHORT / 4  # it took 0.9


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_texts_of_people_are_what_they_would_be(form: Literal["NFC", "NFKC"]) -> None:
    texts = [
        "e\u0301",
        "q\u0323\u0307",
        "ﬁ",
        "Å",
        "각",
        "ồ" * 99,
        "a" + "\u0301" * MOST_MARKS,
        "abc",
    ]
    for text in texts:
        assert unicodedata.normalize(form, text) == normalized(form, text)


def test_every_mark_of_unicode_is_known() -> None:
    outside = [*range(_FIRST), *range(_LAST + 1, sys.maxunicode + 1)]

    assert not [number for number in outside if is_mark(chr(number))]
    assert is_mark("\u0301")  # the control
