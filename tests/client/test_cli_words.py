"""
How words of the command line are read: pure tables.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_client.cli.exits import UsageError
from toolcell_client.cli.pairs import arguments_of
from toolcell_client.cli.quantities import limit, seconds

SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "flag": {"type": "boolean"},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"type": ["integer", "string"]},
        "names": {"type": "array", "items": {"type": "string"}},
        "counts": {"type": "array", "items": {"type": "integer"}},
        "options": {"type": "object"},
        "mode": {"enum": ["1", "2"]},
        "point": {"$ref": "#/$defs/Point"},
        "loop": {"$ref": "#/$defs/Loop"},
        "anything": {},
    },
    "$defs": {"Point": {"type": "object"}, "Loop": {"$ref": "#/$defs/Loop"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("pairs", "arguments"),
    [
        (["text=5"], {"text": "5"}),
        (["text="], {"text": ""}),
        (["text=a=b"], {"text": "a=b"}),
        (["text=null"], {"text": "null"}),
        (["count=5"], {"count": 5}),
        (["ratio=5"], {"ratio": 5}),
        (["ratio=0.5"], {"ratio": 0.5}),
        (["flag=true"], {"flag": True}),
        (["maybe=null"], {"maybe": None}),
        (["either=5"], {"either": 5}),
        (["either=five"], {"either": "five"}),
        (["names=1", "names=2"], {"names": ["1", "2"]}),
        (["names=one"], {"names": ["one"]}),
        (['names=["a"]'], {"names": ["a"]}),
        (["counts=1", "counts=2"], {"counts": [1, 2]}),
        (['options={"a":1}'], {"options": {"a": 1}}),
        (["mode=1"], {"mode": "1"}),
        (['point={"x":1}'], {"point": {"x": 1}}),
        (["loop=1"], {"loop": 1}),
        (["anything=[1]"], {"anything": [1]}),
        (["anything=word"], {"anything": "word"}),
        (['either:="5"'], {"either": "5"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_word_means_what_the_schema_says(pairs: list[str], arguments: Any) -> None:
    """
    A shell has only text.
    """
    assert arguments_of(pairs, SCHEMA) == arguments


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["word"], "write key=value"),
        (["=x"], "write key=value"),
        (["cuont=1"], "did you mean count"),
        (["zzz=1"], "it has text, count"),
        (["count=1.5"], "count must be integer"),
        (["flag=yes"], "flag must be boolean"),
        (["text=a", "text=b"], "takes one value"),
        (["text:={"], "must be JSON"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_word_that_cannot_be_meant_is_refused(pairs: list[str], said: str) -> None:
    """
    With what to write instead.
    """
    with pytest.raises(UsageError, match=said):
        arguments_of(pairs, SCHEMA)


@pytest.mark.parametrize("schema", [{}, True, {"properties": {}}], ids=["empty", "true", "open"])
def test_a_schema_that_says_nothing_forbids_nothing(schema: Any) -> None:
    """
    The server has the last word.
    """
    assert arguments_of(["a=1", "b=x"], schema) == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wall=5", ("wall_seconds", 5)),
        ("cpu=500ms", ("cpu_seconds", 0.5)),
        ("wall_seconds=2m", ("wall_seconds", 120)),
        ("memory=64MiB", ("memory_bytes", 2**26)),
        ("disk=1gb", ("disk_bytes", 10**9)),
        ("processes=3", ("processes", 3)),
    ],
)
def test_a_limit_is_written_as_people_write_it(text: str, expected: tuple[str, float]) -> None:
    """
    Units differ by limit.
    """
    assert limit(text) == expected


@pytest.mark.parametrize(
    "text", ["wall", "wall=", "wall=5KiB", "memory=5s", "processes=3s", "wall=-1", "wall=0", "x=1"]
)
def test_a_limit_that_cannot_be_meant_is_refused(text: str) -> None:
    """
    A limit that is misread is no limit.
    """
    with pytest.raises(UsageError):
        limit(text)


def test_a_span_is_seconds_unless_it_says_otherwise() -> None:
    """
    As timeout(1).
    """
    assert [seconds("1.5"), seconds("2m"), seconds("10ms")] == [1.5, 120, 0.01]
