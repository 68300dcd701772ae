"""
One record, one line: what it says, and that no byte of it can change.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.audit import lines
from toolcell_server.audit.chain import LARGEST_DATA, Chain

NOW = 1_795_784_400_123_456_789
HOSTILE = 'a"\n{"seq":"1"}\r\x00\x1b[31m\x7f\x9b\u2028\u202e\U0001f600é'


def line(data: dict[str, Any], subject: str = "") -> bytes:
    return Chain("log").next("test.happened", data, NOW, subject)


def test_a_record_is_a_cloud_event() -> None:
    """
    The attributes that CloudEvents 1.0 requires; names of lower-case letters and digits only.
    """
    envelope = json.loads(line({"a": 1}, "it"))

    assert {"id", "source", "specversion", "type", "time", "subject", "data"} < set(envelope)
    assert envelope["specversion"] == "1.0"
    assert envelope["time"] == "2026-11-27T13:00:00.123456Z"
    assert [] == [name for name in envelope if not re.fullmatch(r"[a-z0-9]{1,20}", name)]


def test_the_hash_is_of_the_very_bytes_before_it() -> None:
    """
    So that anybody can check it with nothing but SHA-256.
    """
    raw = line({"a": [1.5, "é"]})
    body, _, rest = raw.rpartition(b',"hash":"')

    assert rest == f'{hashlib.sha256(body).hexdigest()}"}}\n'.encode()
    assert lines.read(raw[:-1]).intact


def test_a_record_carries_the_hash_and_the_number_after_the_one_before() -> None:
    """
    That is the chain.
    """
    chain = Chain("log")
    first, second = (lines.read(chain.next("x", {}, NOW)[:-1]) for _ in range(2))

    assert (1, lines.NO_HASH) == (first.sequence, first.previous)
    assert (2, first.hash) == (second.sequence, second.previous)


def test_what_a_caller_sent_can_neither_begin_a_line_nor_reach_a_terminal() -> None:
    """
    Line feeds, escape sequences, marks that turn the direction of text.
    """
    raw = line({HOSTILE: HOSTILE}, HOSTILE)

    assert raw.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in raw[:-1])
    assert lines.read(raw[:-1]).data == {HOSTILE: HOSTILE}


TEXTS = st.text() | st.text(st.characters(categories=["Cs", "Cc", "Lu"]))
SCALARS = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))


@given(VALUES)
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    """
    Half a surrogate pair included; two halves are the character that they make.
    """
    raw = line({"value": value})

    assert raw[:-1].isascii()
    assert json.loads(raw)["data"] == json.loads(json.dumps({"value": value}))


def test_what_json_cannot_hold_does_not_stop_the_record() -> None:
    """
    A record that says less is better than none.
    """
    assert lines.read(line({"a": object(), "b": "\ud800"})[:-1]).data["b"] == "\ud800"


def test_a_record_that_is_too_large_says_how_large_it_was() -> None:
    """
    A line has a bound, or nobody could read it.
    """
    read = lines.read(line({"a": "x" * LARGEST_DATA})[:-1])

    assert read.data.keys() == {"left_out_bytes"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"seq":"1"}',
        b'{"seq":"1","hash":"00"}',
        b'[1],"hash":"' + b"0" * 64 + b'"}',
        b"[" * 100_000 + b',"hash":"' + b"0" * 64 + b'"}',
    ],
)
def test_what_has_not_the_shape_of_a_record_is_none(raw: bytes) -> None:
    """
    Whatever somebody put there.
    """
    with pytest.raises(lines.NotALine):
        lines.read(raw)
