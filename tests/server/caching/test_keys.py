"""
What makes two calls the same to the cache.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_executor import execution
from toolcell_server import strict_json
from toolcell_server.caching.keys import canonical, key_of
from toolcell_server.egress.rules import Rule
from toolcell_server.grants import Grant
from toolcell_server.limits import Limits
from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from toolcell_server.execution import Execution

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def of(arguments: bytes = b"{}", principal: str = "", **fields: Any) -> Execution:
    scope = fields.pop("scope", "private")
    made = execution(effects="read_only", **fields)
    return replace(
        made,
        arguments=arguments,
        principal=principal,
        caller=Principal(name=principal),
        tool=replace(made.tool, cache_scope=scope),
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"a":1,"b":2}', b' {"b" : 2,\n"a":1}'),
        (b'{"a":1.0}', b'{"a":1e0}'),
        (b'{"a":0}', b'{"a":-0}'),
        ('{"a":"é"}'.encode(), b'{"a":"\\u00e9"}'),
        (b"", b"{}"),
    ],
)
def test_spelling_makes_no_difference(first: bytes, second: bytes) -> None:
    assert canonical(first) == canonical(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":1}', b'{"a":true}'),
        (b'{"a":1}', b'{"a":"1"}'),
        (b'{"a":0.0}', b'{"a":-0.0}'),
        (b'{"a":9007199254740992}', b'{"a":9007199254740993}'),
        (b'{"a":null}', b"{}"),
        (b'{"a":[1,2]}', b'{"a":[2,1]}'),
        ('{"a":"é"}'.encode(), '{"a":"e\u0301"}'.encode()),
    ],
)
def test_values_that_a_tool_can_tell_apart_differ(first: bytes, second: bytes) -> None:
    assert canonical(first) != canonical(second)


def typed(value: Any) -> Any:
    """
    A value with its types, in which nothing compares equal that a tool could tell apart.
    """
    if isinstance(value, dict):
        return ("{}", sorted((key, typed(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("[]", [typed(item) for item in value])
    return (type(value).__name__, repr(value))


@settings(max_examples=300, deadline=None)
@given(first=JSON, second=JSON)
def test_one_text_for_one_value_and_only_for_it(first: Any, second: Any) -> None:
    """
    Compared with the values as the server's own strict reader hands them on.
    """
    texts = [json.dumps({"v": value}).encode() for value in (first, second)]
    values = [typed(strict_json.parse(text, 2**20)) for text in texts]

    assert (values[0] == values[1]) is (canonical(texts[0]) == canonical(texts[1]))
    assert canonical(canonical(texts[0])) == canonical(texts[0])


def test_nobody_is_answered_with_what_another_was_told() -> None:
    assert key_of(of(principal="alice")) == key_of(of(principal="alice"))
    assert key_of(of(principal="alice")) != key_of(of(principal="mallory"))
    assert key_of(of(principal="")) != key_of(of(principal="alice"))


def test_a_public_tool_answers_everybody_and_is_mixed_up_with_no_principal() -> None:
    alice, mallory = of(principal="alice", scope="public"), of(principal="m", scope="public")

    assert key_of(alice) == key_of(mallory)
    assert key_of(alice) != key_of(of(principal=""))


@pytest.mark.parametrize(
    "grant",
    [
        Grant(limits=Limits(memory_bytes=2**28)),
        Grant(limits=Limits(), domains=(Rule.parse("a.example:80"),)),
        Grant(limits=Limits(), report_only=True),
        Grant(limits=Limits(), profile="net"),
    ],
    ids=["a limit", "a domain", "report-only", "the profile"],
)
def test_what_a_call_is_granted_belongs_to_it(grant: Grant) -> None:
    assert key_of(of()) != key_of(of(grant=grant))


def test_tools_and_versions_are_kept_apart() -> None:
    other = of()
    other = replace(other, tool=replace(other.tool, version="2"))

    assert len({key_of(of()), key_of(of(tool="b")), key_of(other)}) == 3


def test_a_result_of_a_bundle_is_gone_when_it_is_loaded_again() -> None:
    """
    Its code may be another, under the same version; a tool that was registered has an edition.
    """
    made = of()
    again = replace(made, tool=replace(made.tool, generation=2))

    assert key_of(made) != key_of(again)
    registered = [replace(one, tool=replace(one.tool, edition="e")) for one in (made, again)]
    assert key_of(registered[0]) == key_of(registered[1])
