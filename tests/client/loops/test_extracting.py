"""
Schema-only tools: the arguments are the result, once they fit.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_client.formats import Toolset
from toolcell_client.loops import validating
from toolcell_client.loops.extracting import extraction_tool
from turning import Turn, chat

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "born": {"type": "string", "format": "date"},
        "kind": {"enum": ["customer", "supplier"]},
    },
    "required": ["name"],
    "additionalProperties": False,
}
SLOW = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}


def extracting(schema: dict[str, Any]) -> Toolset:
    return Toolset([extraction_tool("person", schema, "Hands over a person.")])


def test_arguments_that_fit_are_the_result(server: FakeServer, turn: Turn) -> None:
    value = {"name": "Ada", "born": "1815-12-10"}
    done = turn(chat(("a", "person", value)), toolset=extracting(PERSON))
    assert [each.value for each in done.extracted] == [value]
    assert (done.answers[0].failed, server.requests) == (False, [])


def test_arguments_that_do_not_fit_are_answered(server: FakeServer, turn: Turn) -> None:
    value = {"born": "yesterday", "kind": "Custommer", "nam": "Ada"}
    done = turn(chat(("a", "person", value)), toolset=extracting(PERSON))
    assert (done.extracted, server.requests) == ((), [])
    found = {each["field"]: each for each in done.answers[0].value["violations"]}
    assert found["/name"]["schema"] == {"type": "string", "minLength": 1}
    assert found["/born"]["example"] == "2030-01-31"
    assert found["/kind"]["close_matches"] == ["customer"]
    assert found["/nam"]["close_matches"] == ["name"]


def test_a_pattern_cannot_stop_the_program(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a process of its own this test would not end.
    """
    monkeypatch.setattr(validating, "PATTERN_SECONDS", 1.5)
    done = turn(chat(("a", "person", {"a": "a" * 60 + "!"})), toolset=extracting(SLOW))
    assert "takes too long" in done.answers[0].value["violations"][0]["description"]


def test_a_pattern_is_checked(turn: Turn) -> None:
    done = turn(chat(("a", "person", {"a": "b"})), toolset=extracting(SLOW))
    assert done.answers[0].value["violations"][0]["field"] == "/a"
    done = turn(chat(("a", "person", {"a": "aa"})), toolset=extracting(SLOW))
    assert done.extracted[0].value == {"a": "aa"}


def test_what_is_too_large_is_not_looked_at() -> None:
    [found] = validating.violations(PERSON, b'{"name": "%s"}' % (b"x" * validating.MAXIMUM_BYTES))
    assert "at most" in found["description"]


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "objekt"}, "no JSON Schema"),
        ({"$ref": "https://example.com/schema"}, "refers to what it does not hold"),
        ({"type": "objekt", "patternProperties": {}}, "no JSON Schema"),
    ],
)
def test_a_schema_that_is_none_is_an_error_of_the_program(
    schema: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        validating.violations(schema, b"{}")


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("jsonschema"):
            raise ImportError(name)
        return loading(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'toolcell\[extraction\]'"):
        validating.check({}, {})
