"""
Rules about arguments: each test of each type of value, and what comes of them together.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruling import built, rule
from toolcell_server.rights import Condition, Decision, decide
from toolcell_server.rights.conditions import LONGEST_MATCHED, Answer

YES, NO, UNDECIDED, TOO_LONG = Answer.YES, Answer.NO, Answer.UNDECIDED, Answer.TOO_LONG
GONE: Any = object()

ANSWERS: list[tuple[str, Any, Any, Answer]] = [
    # test, value of the rule, argument, answer
    ("equals", "a", "a", YES),
    ("equals", "a", "b", NO),
    ("equals", "a", "A", NO),
    ("equals", "5", 5, UNDECIDED),
    ("equals", 5, "5", UNDECIDED),
    ("equals", 5, 5.0, YES),
    ("equals", 1, True, UNDECIDED),
    ("equals", True, 1, UNDECIDED),
    ("equals", True, True, YES),
    ("equals", False, True, NO),
    ("equals", "a", None, UNDECIDED),
    ("equals", "a", ["a"], UNDECIDED),
    ("equals", ["a", 1], ["a", 1], YES),
    ("equals", ["a", 1], ["a", True], NO),
    ("equals", ["a"], ["a", "b"], NO),
    ("equals", {"k": 1}, {"k": 1}, YES),
    ("equals", {"k": 1}, {"k": 2}, NO),
    ("equals", {"k": 1}, {"k": 1, "l": 2}, NO),
    ("equals", "a", GONE, UNDECIDED),
    ("greater", 10, 11, YES),
    ("greater", 10, 10, NO),
    ("greater", 10, 10.5, YES),
    ("greater", 10, -(10**400), NO),
    ("greater", 10, 10**400, YES),
    ("greater", 10, "11", UNDECIDED),
    ("greater", 10, True, UNDECIDED),
    ("greater", 10, None, UNDECIDED),
    ("greater", 10, [11], UNDECIDED),
    ("greater", 10, GONE, UNDECIDED),
    ("less", 10, 9, YES),
    ("less", 10, 10, NO),
    ("less", 10, "9", UNDECIDED),
    ("less", 10, GONE, UNDECIDED),
    ("in_range", [1, 10], 1, YES),
    ("in_range", [1, 10], 10, YES),
    ("in_range", [1, 10], 10.01, NO),
    ("in_range", [1, 10], 0, NO),
    ("in_range", [1, 10], "5", UNDECIDED),
    ("in_range", [1, 10], GONE, UNDECIDED),
    ("in_set", ["a", "b"], "b", YES),
    ("in_set", ["a", "b"], "c", NO),
    ("in_set", ["a", "b"], 5, UNDECIDED),
    ("in_set", ["a", 5], 5, YES),
    ("in_set", ["a", 5], 6, NO),
    ("in_set", [1], True, UNDECIDED),
    ("in_set", ["a"], GONE, UNDECIDED),
    ("matches", "ab+", "abb", YES),
    ("matches", "ab+", "xabb", NO),
    ("matches", "ab+", "abb\n", NO),
    ("matches", "ab+", "", NO),
    ("matches", "", "", YES),
    ("matches", "ab+", 5, UNDECIDED),
    ("matches", "ab+", None, UNDECIDED),
    ("matches", "ab+", GONE, UNDECIDED),
    ("matches", "a*", "a" * LONGEST_MATCHED, YES),
    ("matches", "a*", "a" * (LONGEST_MATCHED + 1), TOO_LONG),
    ("within_path", "/data", "/data/a.txt", YES),
    ("within_path", "/data", "/data", YES),
    ("within_path", "/data", "/data/", YES),
    ("within_path", "/data/", "/data/a", YES),
    ("within_path", "/data", "/data-evil/a", NO),
    ("within_path", "/data", "/", NO),
    ("within_path", "/", "/anything", YES),
    ("within_path", "/data", "//data///a", YES),
    ("within_path", "/data", "/./data/./a", YES),
    ("within_path", "/data", "/data/../etc/passwd", UNDECIDED),
    ("within_path", "/etc", "/data/../etc/passwd", UNDECIDED),
    ("within_path", "/data", "/data/..a", YES),
    ("within_path", "/data", "data/a", UNDECIDED),
    ("within_path", "/data", "", UNDECIDED),
    ("within_path", "/data", "/data/a\0b", UNDECIDED),
    ("within_path", "/data", "/data" + "/" * 2**20, UNDECIDED),
    ("within_path", "/data", ["/data/a"], UNDECIDED),
    ("within_path", "/data", GONE, UNDECIDED),
    ("within_path", ["/srv", "/data"], "/data/a", YES),
    ("within_path", ["/srv", "/data"], "/etc", NO),
    ("present", True, "a", YES),
    ("present", True, None, YES),
    ("present", True, GONE, NO),
    ("present", False, GONE, YES),
    ("present", False, 0, NO),
]


@pytest.mark.parametrize(("test", "value", "argument", "answer"), ANSWERS)
def test_a_condition_answers(test: str, value: Any, argument: Any, answer: Answer) -> None:
    """
    Yes or no only where the argument is there and of the type that the condition speaks of.
    """
    arguments = {} if argument is GONE else {"x": argument}

    assert Condition.build("/x", test, value).answer(arguments) is answer


POINTERS: list[tuple[str, Answer]] = [
    ("/a/b", YES),
    ("/list/1", YES),
    ("/~1~0", YES),
    ("/list/01", UNDECIDED),
    ("/list/-", UNDECIDED),
    ("/list/2", UNDECIDED),
    ("/list/-1", UNDECIDED),
    ("/list/٣", UNDECIDED),
    ("/a/b/c", UNDECIDED),
    ("/", UNDECIDED),
    ("", UNDECIDED),
]


@pytest.mark.parametrize(("pointer", "answer"), POINTERS)
def test_a_pointer_points_where_rfc_6901_says(pointer: str, answer: Answer) -> None:
    """
    One that points at nothing is not a condition that does not hold.
    """
    arguments = {"a": {"b": "x"}, "list": ["y", "x"], "/~": "x"}

    assert Condition.build(pointer, "equals", "x").answer(arguments) is answer


AMOUNT = ("/amount", "greater", 10)
PATH = ("/path", "within_path", "/data")

DECISIONS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], tuple[Any, ...]]] = {
    # rules, arguments, (refused, route, approval)
    "no rule lets everything through": ([], {}, (False, None, "")),
    "a deny that holds refuses": ([rule("deny", AMOUNT)], {"amount": 11}, (True, None, "")),
    "a deny that does not hold is silent": (
        [rule("deny", AMOUNT)],
        {"amount": 10},
        (False, None, ""),
    ),
    "a deny holds for what is missing": ([rule("deny", AMOUNT)], {}, (True, None, "")),
    "a deny holds for another type": ([rule("deny", AMOUNT)], {"amount": "5"}, (True, None, "")),
    "a deny of what is present is silent without it": (
        [rule("deny", AMOUNT, ("/amount", "present", True))],
        {},
        (False, None, ""),
    ),
    "an allow that holds lets through": (
        [rule("allow", PATH)],
        {"path": "/data/a"},
        (False, None, ""),
    ),
    "an allow that does not hold refuses": (
        [rule("allow", PATH)],
        {"path": "/etc/a"},
        (True, None, ""),
    ),
    "an allow does not hold for what is missing": ([rule("allow", PATH)], {}, (True, None, "")),
    "an allow does not hold for ..": (
        [rule("allow", PATH)],
        {"path": "/data/../etc"},
        (True, None, ""),
    ),
    "one allow of two is enough": (
        [rule("allow", PATH), rule("allow", ("/path", "within_path", "/srv"))],
        {"path": "/srv/a"},
        (False, None, ""),
    ),
    "deny beats allow": (
        [rule("allow", AMOUNT), rule("deny", AMOUNT)],
        {"amount": 11},
        (True, None, ""),
    ),
    "all conditions of a rule must hold": (
        [rule("deny", AMOUNT, ("/to", "equals", "eve"))],
        {"amount": 11, "to": "bob"},
        (False, None, ""),
    ),
    "one that does not hold outweighs one in doubt": (
        [rule("deny", AMOUNT, ("/to", "equals", "eve"))],
        {"to": "bob"},
        (False, None, ""),
    ),
    "a text that is too long refuses an allow": (
        [rule("allow", ("/x", "matches", "a*"))],
        {"x": "a" * 2000},
        (True, None, ""),
    ),
    "a text that is too long refuses though another allow holds": (
        [rule("allow", ("/x", "matches", "b*")), rule("allow")],
        {"x": "a" * 2000},
        (True, None, ""),
    ),
    "a text that is too long refuses a route": (
        [rule("route", ("/x", "matches", "b*"), otherwise="y")],
        {"x": "a" * 2000},
        (True, None, ""),
    ),
    "an approval is demanded": (
        [rule("require_approval", AMOUNT)],
        {"amount": 11},
        (False, None, "approve"),
    ),
    "an approval is demanded in doubt": (
        [rule("require_approval", AMOUNT, approval="confirm")],
        {},
        (False, None, "confirm"),
    ),
    "the stronger approval is demanded": (
        [rule("require_approval"), rule("require_approval", AMOUNT, approval="confirm")],
        {"amount": 11},
        (False, None, "approve"),
    ),
    "no approval is demanded without reason": (
        [rule("require_approval", AMOUNT)],
        {"amount": 1},
        (False, None, ""),
    ),
    "a route is taken": ([rule("route", AMOUNT, otherwise="y")], {"amount": 11}, (False, "y", "")),
    "a route is taken in doubt": ([rule("route", AMOUNT, otherwise="y")], {}, (False, "y", "")),
    "the first route is taken": (
        [rule("route", otherwise="y"), rule("route", otherwise="z")],
        {},
        (False, "y", ""),
    ),
    "a route and an approval go together": (
        [rule("require_approval", approval="confirm"), rule("route", otherwise="z")],
        {},
        (False, "z", "confirm"),
    ),
    "a deny beats a route": (
        [rule("route", otherwise="y"), rule("deny", AMOUNT)],
        {},
        (True, None, ""),
    ),
}


@pytest.mark.parametrize("sentence", DECISIONS)
def test_decided(sentence: str) -> None:
    """
    The table of the documentation.
    """
    tables, arguments, expected = DECISIONS[sentence]

    assert expected == summary(decide(built(*tables), arguments))


def summary(decision: Decision) -> tuple[bool, str | None, str]:
    route = decision.route.otherwise if decision.route else None
    return decision.refused, route, decision.approval


CONDITIONS = st.sampled_from(
    [
        AMOUNT,
        PATH,
        ("/amount", "less", 5),
        ("/to", "matches", "b.*"),
        ("/to", "in_set", ["bob", 7]),
        ("/amount", "present", True),
    ]
)
TABLES = st.builds(
    lambda then, when: rule(then, *when, **({"otherwise": "y"} if then == "route" else {})),
    st.sampled_from(["allow", "deny", "require_approval", "route"]),
    st.lists(CONDITIONS, min_size=1, max_size=3),
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from([1, 7, 20, "20", None, True]),
        "path": st.sampled_from(["/data/a", "/etc/a", "/data/../etc", "a", 5]),
        "to": st.sampled_from(["bob", "eve", 7, ["bob"], "b" * 2000]),
    },
)


@settings(deadline=None)  # whoever else uses the processor
@given(st.lists(TABLES, max_size=5), ARGUMENTS)
def test_deny_beats_allow_wherever_it_stands(
    tables: list[dict[str, Any]], arguments: dict[str, Any]
) -> None:
    """
    Whoever reads a deny knows that it denies, whatever else there is.
    """
    alone = [decide(built(one), arguments).refused for one in tables if one["then"] == "deny"]

    assert decide(built(*tables), arguments).refused >= any(alone)


@settings(deadline=None)  # whoever else uses the processor
@given(st.lists(TABLES, max_size=4), ARGUMENTS)
def test_no_order_of_rules_widens(tables: list[dict[str, Any]], arguments: dict[str, Any]) -> None:
    """
    Whoever adds a rule must not have to know where.
    """
    orders = itertools.islice(itertools.permutations(tables), 24)
    found = {summary(decide(built(*order), arguments)) for order in orders}

    assert len(found) == 1


@settings(deadline=None)  # whoever else uses the processor
@given(st.lists(TABLES, min_size=1, max_size=4), ARGUMENTS)
def test_a_rule_that_does_not_allow_never_widens(
    tables: list[dict[str, Any]], arguments: dict[str, Any]
) -> None:
    """
    What was refused stays refused, and an approval that was demanded stays so, when rules that
    take something away are added.
    """
    *before, added = tables
    if added["then"] == "allow" and any(one["then"] == "allow" for one in before):
        return  # one allow more is one way more: that is what it is for
    was, now = decide(built(*before), arguments), decide(built(*tables), arguments)

    assert now.refused >= was.refused
    assert now.refused or not was.approval or now.approval == "approve"
