"""
Strict JSON: equal to `json.loads` where JSON is strict, a clear refusal where it is not.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from toolcell_server.strict_json import NotStrictJson, parse, parse_value

MEBIBYTE = 2**20


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "an array": (b"[1]", "", "not a JSON object"),
    "a number": (b"5", "", "not a JSON object"),
    "blank space": (b"  ", "", "not JSON at line 1, column 3"),
    "a text cut off": (b'{"a": "b', "", "not JSON at line 1, column 7"),
    "two objects": (b"{} {}", "", "not JSON at line 1, column 4"),
    "a trailing comma": (b'{"a": 1,}', "", "not JSON at line 1"),
    "single quotes": (b"{'a': 1}", "", "not JSON at line 1"),
    "a raw newline in a text": (b'{"a": "\n"}', "", "not JSON at line 1"),
    "a comment": (b'{"a": 1} // one', "", "not JSON at line 1"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "", "BOM"),
    "Latin-1": (b'{"a": "\xe9"}', "", "not UTF-8 at byte 7"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "", "not UTF-8 at byte 0"),
    "a surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', "", "not UTF-8 at byte 7"),
    "an overlong slash": (b'{"a": "\xc0\xaf"}', "", "not UTF-8 at byte 7"),
    "NaN": (b'{"a": {"b": [1, NaN]}}', "/a/b/1", "NaN is not JSON"),
    "infinity": (b'{"a": -Infinity}', "/a", "-Infinity is not JSON"),
    "a number beyond any float": (b'{"a": [1e999]}', "/a/0", "too large"),
    "an integer of 4301 digits": (b'{"a": ' + b"9" * 4301 + b"}", "/a", "more than 4300 digits"),
    "a key twice": (b'{"a": 1, "a": 2}', "", 'the key "a" is there twice'),
    "a key twice far below": (b'{"a": [{"b": {"c": 1, "c": 1}}]}', "/a/0/b", 'the key "c"'),
    "a key twice by an escape": (b'{"x": 1, "\\u0078": 2}', "", 'the key "x" is there twice'),
    "half a surrogate pair": (b'{"a/b": ["\\ud83d"]}', "/a~1b/0", "half a surrogate pair"),
    "the other half": (b'{"a": "\\uDE00x"}', "/a", "half a surrogate pair"),
    "half a surrogate pair in a key": (b'{"a": {"\\ud83d": 1}}', "/a", "a key holds half"),
    "65 levels": (b'{"a":' * 65 + b"1" + b"}" * 65, "", "nested deeper than 64 levels"),
}


@pytest.mark.parametrize(("data", "pointer", "description"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_strict_is_refused_with_its_place(
    data: bytes, pointer: str, description: str
) -> None:
    """
    A model can mend what it can find.
    """
    with pytest.raises(NotStrictJson) as refused:
        parse(data, MEBIBYTE)

    assert refused.value.pointer == pointer
    assert description in str(refused.value)


TAKEN: dict[str, tuple[bytes, dict[str, Any]]] = {
    "no bytes": (b"", {}),
    "an empty object": (b"{}", {}),
    "blank space around": (b" \t\r\n{} \n", {}),
    "a whole surrogate pair": (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "an escaped backslash before ud83d": (rb'{"a": "\\ud83d"}', {"a": "\\ud83d"}),
    "brackets in a text": (b'{"a": "' + b"[{" * 200 + b'"}', {"a": "[{" * 200}),
    "an escaped quote before brackets": (b'{"a": "\\"' + b"[" * 99 + b'"}', {"a": '"' + "[" * 99}),
    "64 levels": (b'{"a":' * 64 + b"1" + b"}" * 64, json.loads('{"a":' * 64 + "1" + "}" * 64)),
    "many shallow brackets": (b'{"a": [' + b"[]," * 500 + b"[]]}", {"a": [[]] * 501}),
    "the same key in two objects": (
        b'{"a": {"k": 1}, "b": {"k": 2}}',
        {"a": {"k": 1}, "b": {"k": 2}},
    ),
    "an integer of 4300 digits": (b'{"a": ' + b"9" * 4300 + b"}", {"a": int("9" * 4300)}),
    "a NUL": (b'{"a": "\\u0000"}', {"a": "\0"}),
    "the words of NaN in a text": (b'{"a": "NaN Infinity"}', {"a": "NaN Infinity"}),
}


@pytest.mark.parametrize(("data", "expected"), TAKEN.values(), ids=TAKEN)
def test_what_is_strict_is_taken(data: bytes, expected: dict[str, Any]) -> None:
    """
    Strictness must not refuse what only looks dangerous.
    """
    assert parse(data, MEBIBYTE) == expected


def test_size_is_bounded_before_anything_is_read() -> None:
    """
    The largest accepted size is exact, and the refusal names both numbers.
    """
    data = b'{"a": "' + b"x" * 100 + b'"}'

    assert parse(data, len(data))
    with pytest.raises(NotStrictJson, match=f"{len(data)} bytes, and at most {len(data) - 1}"):
        parse(data, len(data) - 1)


HOSTILE: dict[str, bytes] = {
    "a hundred thousand brackets": b"[" * 100_000,
    "ten million brackets": b"[" * 10_000_000,
    "brackets, then a quote that never ends": b"[" * 70 + b'"' + b"\\" * 999_999,
    "brackets, then half a million escaped quotes": b"[]" * 100 + b'\\"' * 500_000,
    "a million digits": b'{"a": ' + b"9" * 1_000_000 + b"}",
    "an exponent of a million digits": b'{"a": 1e' + b"9" * 1_000_000 + b"}",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_is_refused_in_linear_time(data: bytes) -> None:
    """
    A backtracking scan or a quadratic conversion would take minutes here and freeze every call.
    """
    began = time.process_time()
    with pytest.raises(NotStrictJson):
        parse(data, 2**24)

    assert time.process_time() - began < 1.0


def test_a_long_key_is_not_repeated_whole() -> None:
    """
    What a caller sends must not come back in a trailer of bounded size.
    """
    key = b"k" * 100_000

    with pytest.raises(NotStrictJson) as refused:
        parse(b'{"' + key + b'": 1, "' + key + b'": 2}', MEBIBYTE)

    assert len(str(refused.value)) < 200


def test_random_values_read_as_json_reads_them() -> None:
    """
    Strict and lenient reading agree wherever JSON is strict; the seed is fixed.
    """
    chance = random.Random(7)
    for _ in range(2000):
        data = json.dumps(
            {"root": _random_value(chance, 5)}, ensure_ascii=chance.random() < 0.5
        ).encode()

        assert parse_value(data, MEBIBYTE) == json.loads(data)


def test_random_damage_never_raises_anything_else() -> None:
    """
    Whatever bytes come, the answer is a value or the one refusal; the seed is fixed.
    """
    chance = random.Random(11)
    alphabet = b'[]{}",:\\u0dD8aeE+-.19 \n\xff\xf0NntI'
    taken = 0
    for _ in range(5000):
        data = bytearray(json.dumps({"root": _random_value(chance, 4)}).encode())
        for _ in range(chance.randint(0, 2)):
            data[chance.randrange(len(data))] = chance.choice(alphabet)
        try:
            value = parse_value(bytes(data), MEBIBYTE)
        except NotStrictJson:
            continue
        taken += 1
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()

    assert 500 < taken < 4500


def _random_value(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(8 if depth else 6)
    texts = ("", "a", "ä", "\U0001f600", '"', "\\", "[{", "\0", "NaN", "/~")
    if kind < 2:
        return chance.choice((None, True, False, 0, -1, 1.5, 1e300, -1e-300, 2**70))
    if kind < 6:
        return "".join(chance.choices(texts, k=chance.randrange(4)))
    if kind == 6:
        return [_random_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    keys = {chance.choice(texts) for _ in range(chance.randrange(4))}
    return {key: _random_value(chance, depth - 1) for key in keys}
