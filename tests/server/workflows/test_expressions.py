from __future__ import annotations

import itertools
from typing import Any

import pytest
from toolcell_server.workflows import expressions
from toolcell_server.workflows.problems import NotFilled

DOUBLED = "|".join(["[@,@]"] * 80)


@pytest.mark.parametrize(
    ("text", "roots"),
    [
        ("a", {"a"}),
        ("a.b.c", {"a"}),
        ("a[0].b", {"a"}),
        ("a[*].b", {"a"}),
        ("a[?b == `1`].c", {"a"}),
        ("a.*.b", {"a"}),
        ("a[].b", {"a"}),
        ("a[1:2]", {"a"}),
        ("a | b", {"a"}),
        ("a && b || !c", {"a", "b", "c"}),
        ("a == b", {"a", "b"}),
        ("[a, b.c]", {"a", "b"}),
        ("{x: a, y: b}", {"a", "b"}),
        ("length(a)", {"a"}),
        ("sort_by(a, &b)", {"a"}),
        ("map(&b, a)", {"a"}),
        ("'text'", set()),
        ('`{"a": 1}`', set()),
        ("@", {"@"}),
        ("@.a", {"@"}),
        ("*.a", {"@"}),
        ("keys(@)", {"@"}),
        ('"a"', {"a"}),
    ],
)
def test_the_roots_of_an_expression_are_what_it_asks_for(text: str, roots: set[str]) -> None:
    assert roots == expressions.parsed(text).roots


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b", 1),
        ("a.missing", None),
        ("list[?n > `1`].n", [2, 3]),
        ("length(list)", 3),
        ("{x: a.b, y: 'z'}", {"x": 1, "y": "z"}),
        ("to_string(a)", '{"b":1}'),
    ],
)
def test_an_expression_gives_a_value(text: str, value: Any) -> None:
    values = {"a": {"b": 1}, "list": [{"n": 1}, {"n": 2}, {"n": 3}]}

    assert value == expressions.evaluated(expressions.parsed(text), values)


@pytest.mark.parametrize(
    ("value", "true"),
    [
        *itertools.product((0, 1, True, "x", [0], {"a": 0}), (True,)),
        *itertools.product((False, None, "", list[int](), dict[str, int]()), (False,)),
    ],
)
def test_a_condition_is_true_as_jmespath_says(value: Any, true: bool) -> None:
    assert true == expressions.holds(expressions.parsed("a"), {"a": value})


@pytest.mark.parametrize(
    "text", ["", "a.", "a b", "[", "a[?]", "(" * 400 + "a", "a" * 1001, "{{a}}"]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(NotFilled):
        expressions.parsed(text)


@pytest.mark.parametrize(
    "text",
    [
        DOUBLED,
        "|".join(["[@,@]|[]"] * 70),
        f"to_string({DOUBLED})",
        f"length({DOUBLED}) == length({DOUBLED})",
        f"map(&({DOUBLED}), list)",
    ],
)
def test_what_grows_without_end_is_stopped(text: str) -> None:
    with pytest.raises(NotFilled) as stopped:
        expressions.evaluated(expressions.parsed(text), {"list": [1]})

    assert "EXPRESSION_TOO_COSTLY" == stopped.value.code


@pytest.mark.parametrize(
    "text", ["&a", "[&a]", "to_number('nan')", "abs('x')", "no_function(a)", "sum(list)", "keys(a)"]
)
def test_what_gives_no_json_is_refused(text: str) -> None:
    with pytest.raises(NotFilled):
        expressions.evaluated(expressions.parsed(text), {"a": 1, "list": ["x"]})


MANY = list(range(10_000))
LONG = "a" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        f"[{', '.join(['sum(many)'] * 60)}]",
        f"[{', '.join(['avg(many)'] * 60)}]",
        f"[{', '.join(['many == same'] * 60)}]",
        f"[{', '.join(['contains(deep, deep)'] * 40)}]",
        "[" + ", ".join(["contains(long, 'b')"] * 40) + "]",
        f"length({'|'.join(['many', *['[::1]'] * 60])})",
    ],
)
def test_what_is_gone_through_is_paid_for(text: str) -> None:
    values = {"many": MANY, "same": list(MANY), "deep": [MANY], "long": LONG * 10}
    with pytest.raises(NotFilled) as stopped:
        expressions.evaluated(expressions.parsed(text), values)

    assert "EXPRESSION_TOO_COSTLY" == stopped.value.code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sum(many)", 49_995_000),
        ("many == same", True),
        ("many != same", False),
        ("many > same", None),
        ("many[0] < many[1]", True),
        ("contains(many, `9999`)", True),
        ("length(long)", 100_000),
        ("length(many[::2])", 5000),
    ],
)
def test_what_is_large_can_be_used(text: str, value: Any) -> None:
    values = {"many": MANY, "same": list(MANY), "long": LONG}

    assert value == expressions.evaluated(expressions.parsed(text), values)
