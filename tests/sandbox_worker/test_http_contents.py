"""
What bodies are told as: none may make a result that cannot be sent.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from toolcell_worker.http_contents import MAXIMUM_DEPTH, told

JSON = "application/json"
WHOLE: dict[str, tuple[bytes, str, str, Any]] = {
    "an object": (b'{"a": [1, null]}', JSON, "json", {"a": [1, None]}),
    "a kind of JSON": (b"[1]", "Application/Problem+JSON; charset=utf-8", "json", [1]),
    "no JSON, whatever it says": (b"{oops", JSON, "text", "{oops"),
    "a number that is none": (b"NaN", JSON, "text", "NaN"),
    "half a pair of surrogates": (b'"\\ud800"', JSON, "text", '"\\ud800"'),
    "no kind at all": ("é".encode(), "", "text", "é"),
    "another charset": (b"\xe9", "text/plain; charset=latin-1", "text", "é"),
    "text that is none in its charset": (b"\xff", "text/plain; charset=utf-8", "base64", "/w=="),
    "a charset that nobody knows": (b"a", "text/plain; charset=klingon", "base64", "YQ=="),
    "a charset that is a codec of bytes": (b"YQ==", "text/x; charset=base64", "base64", "WVE9PQ=="),
    "a charset of surrogates": (b"\\ud800", "text/x; charset=unicode_escape", "base64", "XHVkODAw"),
    "a byte of zero": (b"a\0b", "text/plain", "base64", "YQBi"),
    "nothing": (b"", "", "text", ""),
}


@pytest.mark.parametrize(("data", "kind", "encoding", "body"), WHOLE.values(), ids=WHOLE)
def test_a_body_is_told_as_what_it_is(data: bytes, kind: str, encoding: str, body: Any) -> None:
    """
    The word of a server about its own bytes is only a word.
    """
    assert (encoding, body) == told(data, kind, encoded=False, cut=False)


def test_a_compressed_body_is_told_in_base64() -> None:
    """
    It may look like text by chance.
    """
    assert ("base64", "YQ==") == told(b"a", "text/plain", encoded=True, cut=False)


def test_a_body_that_was_cut_is_text_without_the_half_of_a_character() -> None:
    """
    And never a JSON value, though what is left of a number is one.
    """
    assert ("text", "a") == told("aé".encode()[:2], "text/plain", encoded=False, cut=True)
    assert ("text", "12") == told(b"12", JSON, encoded=False, cut=True)
    cut = b"\xff" * 9
    assert ("base64", base64.b64encode(cut).decode()) == told(cut, "", encoded=False, cut=True)


@pytest.mark.parametrize("depth", [MAXIMUM_DEPTH + 1, 100_000])
def test_a_value_that_is_too_deep_is_text(depth: int) -> None:
    """
    The service reads no deeper one, and the call would end as the tool's fault.
    """
    value = b"[" * depth + b"]" * depth

    assert ("text", value.decode()) == told(value, JSON, encoded=False, cut=False)


def test_a_value_of_the_greatest_depth_is_a_value() -> None:
    """
    The bound is where it is said to be.
    """
    value = b"[" * MAXIMUM_DEPTH + b"]" * MAXIMUM_DEPTH

    assert "json" == told(value, JSON, encoded=False, cut=False)[0]
