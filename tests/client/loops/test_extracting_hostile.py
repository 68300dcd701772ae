"""
Arguments of schema-only tools that would stop, or crash, the program that checks them.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_client.formats import Toolset
from toolcell_client.loops import validating
from toolcell_client.loops.extracting import extraction_tool
from turning import Turn, chat

BRANCH = {"type": "object", "properties": {"left": {"$ref": "#/$defs/node"}}}
TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "$defs": {"node": {"oneOf": [BRANCH, BRANCH]}},
}
TAGS = {"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": True}}}


def violated(turn: Turn, schema: dict[str, Any], arguments: dict[str, Any]) -> str:
    tools = Toolset([extraction_tool("take", schema, "Takes.")])
    done = turn(chat(("a", "take", arguments)), toolset=tools)
    assert done.extracted == ()
    return str(done.answers[0].value["violations"][0]["description"])


def nested(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"left": made}
    return made


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        (TREE, {"root": nested(40)}),
        (TAGS, {"tags": [each if each % 2 else str(each) for each in range(60_000)]}),
    ],
    ids=["a tree whose levels double the work", "items that are compared each with each"],
)
def test_what_takes_for_ever_is_given_up(
    turn: Turn, monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """
    Without a process of its own this test would not end.
    """
    monkeypatch.setattr(validating, "PATTERN_SECONDS", 1.5)
    assert "takes too long" in violated(turn, schema, arguments)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"type": "number", "multipleOf": 0.01}, 10**400),
        ({"type": "string", "format": "regex"}, "a{99999999999999999999}"),
    ],
)
def test_a_number_that_is_too_large_is_a_violation(
    turn: Turn, rule: dict[str, Any], value: Any
) -> None:
    schema = {"type": "object", "properties": {"x": rule}}
    assert "cannot be checked" in violated(turn, schema, {"x": value})


def test_what_is_missing_is_said_once() -> None:
    found = validating.violations({"required": ["a", "b", "c"]}, b"{}")
    assert [each["field"] for each in found] == ["/a", "/b", "/c"]
