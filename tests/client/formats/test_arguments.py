"""
What models write as arguments: read as it is, or answered with what to do.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client.formats import OfferedTool, Problem, RawCall, Toolset, limits
from toolcell_client.formats.arguments import MalformedArguments, read_arguments

DEEP = "[" * 63 + "]" * 63
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", {}),
        (" \t\r\n", {}),
        ("{}", {}),
        (' {"a": 1} \n', {"a": 1}),
        ('{"a": 12345678901234567890}', {"a": 12345678901234567890}),
        (r'{"a": "\ud83d\ude00"}', {"a": "😀"}),
        (f'{{"a": {DEEP}}}', {"a": json.loads(DEEP)}),
        ({"a": [1.5, None]}, {"a": [1.5, None]}),
    ],
    ids=["nothing", "blank", "empty", "blanks", "large", "a pair", "deep", "an object"],
)
def test_what_is_an_object_is_read_as_it_is(written: Any, expected: dict[str, Any]) -> None:
    assert expected == read_arguments(written)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"a": 1', "Expecting ',' delimiter"),
        ('{"a": 1}{"a": 1}', "Extra data"),
        ("path=/etc", "Expecting value"),
        ('```json\n{"a": 1}\n```', "they are in a code fence; send the object alone"),
        (r'"{\"a\": 1}"', "they were encoded twice; send the object itself"),
        ('"a"', "they are a string; send one object"),
        ("[1]", "they are a list; send one object with a key for each argument"),
        ("7", "they are a number"),
        ("null", "they are null; send {} for no arguments"),
        ('{"a": 1, "a": 2}', "a key is there twice"),
        ('{"a": NaN}', "JSON has no NaN"),
        ('{"a": -Infinity}', "JSON has no -Infinity"),
        ('{"a": 1e999}', "a number is too large"),
        (f'{{"a": {"9" * 4301}}}', "more than 4300 digits; send a string"),
        (r'{"a": "\ud800"}', "half a surrogate pair"),
        (r'{"\udc00": 1}', "half a surrogate pair"),
        (f'{{"a": [{DEEP}]}}', "deeper than 64 levels"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("\u00a0{}", "Expecting value"),
        ({"a": float("nan")}, "JSON has no infinity and no NaN"),
        ({"a": "\ud800"}, "half a surrogate pair"),
        ({"a": [json.loads(DEEP)]}, "deeper than 64 levels"),
        ({1: 2}, "a key is no text"),
        ({"a": b"x"}, "a value is no JSON: bytes"),
        (None, "they are null"),
        ([1], "they are a list"),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) and len(value) < 60 else "",
)
def test_what_is_none_is_answered_with_what_to_do(written: Any, said: str) -> None:
    """
    Nothing is guessed: a call that was not meant so would run.
    """
    with pytest.raises(MalformedArguments) as caught:
        read_arguments(written)

    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    str(caught.value).encode()


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolcell_client.formats.arguments.ARGUMENTS_BYTES", 20)
    monkeypatch.setattr("toolcell_client.formats.arguments.ARGUMENTS_NODES", 5)

    with pytest.raises(MalformedArguments, match="longer than 20 bytes; send less"):
        read_arguments('{"a": "123456789012"}')
    with pytest.raises(MalformedArguments, match="more than 5 values; send less"):
        read_arguments({"a": [1, 2, 3, 4]})


def test_the_depth_is_that_of_the_server() -> None:
    """
    What is read here must not be refused there, and the other way round.
    """
    strict_json = pytest.importorskip("toolcell_server.strict_json")

    assert strict_json.MAXIMUM_DEPTH == limits.ARGUMENTS_DEPTH
    assert strict_json.MAXIMUM_DIGITS == limits.ARGUMENTS_DIGITS


@few
@given(value=st.dictionaries(st.text("abc"), JSON))
def test_json_is_read_as_python_reads_it(value: dict[str, Any]) -> None:
    assert value == read_arguments(json.dumps(value)) == read_arguments(value)


@few
@given(written=st.text('{}[]":,0189.eE+-\\u dDnaNtfI', max_size=30))
def test_whatever_is_written_is_read_or_answered(written: str) -> None:
    """
    Never raised to whoever reads a turn.
    """
    tools = Toolset([OfferedTool(name="a", parameters={"type": "object"})])

    call = tools.call(RawCall(call_id="1", name="a", arguments=written))

    assert call.problem in {None, Problem.MALFORMED}
    assert bool(call.detail) == (call.problem is not None)
    json.dumps(call.arguments, allow_nan=False).encode()
