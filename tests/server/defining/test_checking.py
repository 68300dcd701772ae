"""
Definitions are checked whole: a table of good and bad ones, each with all of its faults.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from definitions import GOOD, Case, cases
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server import manifest as manifests
from toolcell_server.defining.checking import MAXIMUM_FAULTS, check
from toolcell_server.defining.faults import Code
from toolcell_server.limits import Limits
from toolcell_server.tool import Tool

CASES = cases()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3)
    ),
    max_leaves=8,
)


def test_the_table_is_as_large_as_it_should_be() -> None:
    assert len(CASES) >= 200
    assert len({case.it for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.it)
def test_every_fault_is_told_with_its_path_and_code(case: Case) -> None:
    found = check(case.definition)
    expected = {path: code for path, code in case.faults.items() if path != "*"}

    if "*" in case.faults:
        assert [case.faults["*"]] == [fault.code for fault in found]
    else:
        assert expected == {fault.path: fault.code for fault in found}
        assert len(found) == len(expected)
    assert all(len(fault.message) > 8 for fault in found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.it)
def test_what_is_without_a_fault_is_a_tool(case: Case) -> None:
    """
    Whoever trusts the check must not be surprised by what registers.
    """
    if not check(case.definition):
        limits = Limits()
        tool = Tool.from_manifest(case.definition, bundle="b", defaults=limits, ceilings=limits)
        assert tool.to_proto().name == tool.name


def test_the_table_has_every_code_that_a_manifest_can_get() -> None:
    of_files = {Code.UNREADABLE, Code.CODE, Code.COMMAND, Code.MORE}
    told = {code for case in CASES for code in case.faults.values()}

    assert set(Code) - of_files == told


def test_each_fault_is_below_where_the_manifest_stands() -> None:
    found = check({**GOOD, "name": "1", "limits": {"x": 1}}, "/manifest")

    assert ["/manifest/limits/x", "/manifest/name"] == [fault.path for fault in found]


def test_a_definition_that_is_nothing_but_wrong_gets_a_bounded_answer() -> None:
    found = check({**GOOD, **{f"k{n:05}": 1 for n in range(10_000)}})

    assert MAXIMUM_FAULTS + 1 == len(found)
    assert Code.MORE == found[-1].code


@given(
    key=st.sampled_from(manifests.Manifest.__struct_fields__),
    value=JSON,
    another=st.sampled_from(manifests.Manifest.__struct_fields__),
    second=JSON,
)
def test_whatever_stands_under_a_key_is_a_fault_or_a_tool(
    key: str, value: Any, another: str, second: Any
) -> None:
    """
    Never an exception, and never more trust than `parse` has.
    """
    definition = {**GOOD, key: value, another: second}

    if not check(definition):
        manifests.parse(json.loads(json.dumps(definition)))
