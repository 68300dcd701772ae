"""
Which of many tools are offered.
"""

from __future__ import annotations

from typing import Any

import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client import Selection
from toolcell_client.formats.offered import OfferedTool
from toolcell_client.formats.toolset import Toolset
from toolcell_client.loops.selection import FIND_TOOLS, finds, query_of, tokens_of

NAMES = [f"tool_{number:02}" for number in range(30)]
LISTED = Toolset(
    OfferedTool(name=name, description="d" * 40 * (1 + at % 3), parameters={"type": "object"})
    for at, name in enumerate(NAMES)
)
COSTS = tokens_of(LISTED, "openai")


def test_the_most_wanted_are_chosen_and_the_callers_always() -> None:
    chosen = Selection(maximum=3, always=("tool_09",)).choose(LISTED, NAMES[::-1], {})
    assert chosen == ("tool_09", "tool_28", "tool_29")


@few
@given(
    wanted=st.lists(st.sampled_from([*NAMES, "gone"])),
    maximum=st.integers(1, 20),
    tokens=st.none() | st.integers(1, 400),
)
def test_no_bound_is_exceeded_and_the_order_is_of_names(
    wanted: list[str], maximum: int, tokens: int | None
) -> None:
    select = Selection(maximum=maximum, maximum_tokens=tokens)
    chosen = select.choose(LISTED, wanted, COSTS)
    assert len(chosen) <= maximum
    assert list(chosen) == sorted(set(chosen))
    assert set(chosen) <= set(wanted) & set(NAMES)
    assert tokens is None or sum(COSTS[each] for each in chosen) <= tokens


def test_a_tool_that_has_no_room_leaves_it_to_smaller_ones() -> None:
    tokens = COSTS["tool_00"] + 1
    select = Selection(maximum_tokens=tokens)
    assert COSTS["tool_02"] > tokens
    assert select.choose(LISTED, ["tool_02", "tool_00"], COSTS) == ("tool_00",)


def test_find_tools_is_offered_unless_it_is_not_wanted() -> None:
    assert list(Selection().offered(LISTED, ["tool_01"]).tools) == ["find_tools", "tool_01"]
    assert list(Selection(search=False).offered(LISTED, ["tool_01"]).tools) == ["tool_01"]


def test_a_tool_keeps_the_alias_that_it_has_among_all() -> None:
    """
    The history has it, and a subset might give it another.
    """
    both = Toolset(
        OfferedTool(name=name, parameters={"type": "object"}) for name in ("a.b", "a_b", "a-b")
    )
    for name in both.tools:
        alone = Selection().offered(both, [name])
        assert alone.aliases[name] == both.aliases[name]


@pytest.mark.parametrize(
    "options",
    [{"maximum": 0}, {"maximum_tokens": 0}, {"maximum": 1, "always": ("a", "b")}],
)
def test_a_selection_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="selection"):
        Selection(**options)


def test_a_tool_that_is_not_there_cannot_be_offered_always() -> None:
    with pytest.raises(ValueError, match="'gone', which cannot be offered"):
        Selection(always=("gone",)).choose(LISTED, (), {})


def test_two_tools_cannot_be_called_find_tools() -> None:
    listed = LISTED.with_tools([OfferedTool(name="find_tools", parameters={"type": "object"})])
    with pytest.raises(ValueError, match="search=False"):
        Selection().choose(listed, (), {})
    assert Selection(search=False).choose(listed, ["find_tools"], {}) == ("find_tools",)


@pytest.mark.parametrize(
    ("arguments", "query"),
    [({"query": " x "}, "x"), ({}, ""), ({"query": 3}, ""), ({"query": "y" * 9_000}, "y" * 1_000)],
)
def test_what_the_model_looks_for_is_bounded(arguments: dict[str, Any], query: str) -> None:
    assert query_of(arguments) == query


def test_the_model_is_told_what_was_found() -> None:
    told = finds(LISTED, ["tool_02", "gone"])
    assert [each["name"] for each in told["found"]] == ["tool_02"]
    assert finds(LISTED, [])["found"] == []
    assert FIND_TOOLS.effects == "read_only"
