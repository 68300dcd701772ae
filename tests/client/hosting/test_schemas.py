"""
Schemas of functions that are hosted, from hints and by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Optional, TypedDict

import pytest
from toolcell_client.hosting import (
    AsyncHostedCall,
    BadTool,
    HostedCall,
    HostedTool,
    hosted,
    schemas,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date


class Place(TypedDict):
    """
    A place.
    """

    name: str
    tags: list[str]


HINTS: list[tuple[Any, dict[str, Any]]] = [
    (str, {"type": "string"}),
    (bool, {"type": "boolean"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (None, {"type": "null"}),
    (Any, {}),
    (list, {"type": "array"}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
    (Literal["a", 1], {"enum": ["a", 1]}),
    (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045  # old code
]


@pytest.mark.parametrize(("hint", "schema"), HINTS, ids=[str(hint) for hint, _ in HINTS])
def test_hints_that_json_has_become_schemas(hint: Any, schema: dict[str, Any]) -> None:
    assert schema == schemas.of_hint(hint, "x")


def test_typed_dicts_become_objects() -> None:
    found = schemas.of_hint(Place, "x")

    assert ["name", "tags"] == found["required"]
    assert {"type": "array", "items": {"type": "string"}} == found["properties"]["tags"]


@pytest.mark.parametrize(
    "hint", [complex, bytes, tuple[int, ...], dict[int, str], set[str], HostedTool], ids=str
)
def test_hints_that_json_does_not_have_are_refused_by_name(hint: Any) -> None:
    with pytest.raises(schemas.NoSchema, match=r"x has the hint .* parameters="):
        schemas.of_hint(hint, "x")


def greet(name: str, times: int = 1, *, call: HostedCall | None = None) -> str:
    """
    Greets somebody.

    Args:
        name: whom.
    """
    return f"{name}{times}{call}"


def test_a_tool_is_what_its_function_says() -> None:
    tool = HostedTool.of(greet)

    assert ("greet", "Greets somebody.") == (tool.name, tool.manifest["description"])
    assert {"name", "times"} == tool.manifest["parameters"]["properties"].keys()
    assert ["name"] == tool.manifest["parameters"]["required"]
    assert {"type": "string"} == tool.manifest["returns"]
    assert "call" == tool.call_parameter


def test_what_is_given_by_hand_stands() -> None:
    @hosted(version="3", description="Other.", parameters={"type": "object"}, returns=None)
    async def odd(when: date, call: AsyncHostedCall) -> date:
        return when

    tool = HostedTool.of(odd)

    assert ("odd", "3") == tool.key
    assert ("Other.", {"type": "object"}) == (
        tool.manifest["description"],
        tool.manifest["parameters"],
    )
    assert (True, "call") == (tool.is_async, tool.call_parameter)


def positional(x: int, /) -> None:
    """Takes it by position."""


def keywords(**more: int) -> None:
    """Takes what comes."""


def unhinted(x) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Has no hint."""


def for_types_only(x: date) -> None:
    """Has a hint that is not there when it runs."""


def undocumented(x: int) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (positional, "cannot be given by name"),
        (keywords, "needs a type hint of its own"),
        (unhinted, "needs a type hint of its own"),
        (for_types_only, "type hints cannot be read"),
        (undocumented, "give it a docstring"),
        (7, "is no function"),
    ],
    ids=["by position", "keywords", "no hint", "types only", "no docstring", "no function"],
)
def test_what_cannot_be_hosted_says_why(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(BadTool, match=said):
        HostedTool.of(function)
