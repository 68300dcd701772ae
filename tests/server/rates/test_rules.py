"""
Whom a rule is about, and what it counts together.
"""

from __future__ import annotations

import pytest
from counting import ALICE, BOB, rule, tool
from toolcell_server.principal import ANYBODY, Principal
from toolcell_server.rates import manifests
from toolcell_server.rates.rules import Rule, scope
from toolcell_server.rates.subjects import subject


@pytest.mark.parametrize(
    ("principal", "about"),
    [
        ("*", ["alice", "bob", ""]),
        ("alice", ["alice"]),
        ("role:batch", ["bob"]),
        ("role:alice", []),
        ("anonymous", [""]),
        ("scope:batch", []),
    ],
)
def test_a_rule_is_about_a_name_a_role_anybody_or_those_without_a_name(
    principal: str, about: list[str]
) -> None:
    """
    A role is no name, and a name no role.
    """
    found = [
        each.name
        for each in (ALICE, BOB, ANYBODY)
        if Rule(name="x", principal=principal).is_about(each)
    ]

    assert about == found


@pytest.mark.parametrize(
    ("tools", "about"),
    [
        (("*",), True),
        (("echo",), True),
        (("other", "category:text"), True),
        (("tag:cheap",), True),
        (("text",), False),
        (("tag:text",), False),
        (("category:cheap",), False),
        (("ec*",), True),
        (("*x*",), False),
        (("bundle:test",), True),
        (("bundle:other",), False),
    ],
)
def test_a_rule_is_about_names_categories_and_tags(tools: tuple[str, ...], *, about: bool) -> None:
    """
    As whoever wrote the tool has sorted it.
    """
    assert about == Rule(name="x", tools=tools).is_about_tool(
        tool(category="text", tags=("cheap",))
    )


def test_numbers_and_order_do_not_change_where_a_rule_counts() -> None:
    """
    An operator who lowers a quota does not begin to count again.
    """
    before = rule("5/day", tools=("a", "b"))
    after = rule("3/day", name="other", tools=("b", "a"), concurrency=2)

    assert before.bounds[0].prefix == after.bounds[0].prefix


@pytest.mark.parametrize(
    "other",
    [
        rule("5/day", tools=("echo",)),
        rule("5/day", tools=("echo",), per="tool", principal="alice"),
        rule("5/hour", tools=("echo",), per="tool"),
        rule("5/day", tools=("echo",), per="tool", of_tool=True),
    ],
)
def test_rules_that_are_about_something_else_count_elsewhere(other: Rule) -> None:
    """
    The last is the tool's own: one call must not count twice under one key.
    """
    assert rule("5/day", tools=("echo",), per="tool").bounds[0].prefix != other.bounds[0].prefix


def test_what_is_counted_together_is_told_apart_from_anything_else() -> None:
    """
    A principal may be called as a tool, or with a space.
    """
    assert ["principal:alice", "echo", "echo principal:alice", ""] == [
        scope(per, "echo", "principal:alice")
        for per in ("principal", "tool", "principal_tool", "global")
    ]


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (ALICE, "principal:alice"),
        (Principal(name="alice", origin="ipv4:192.0.2.1:5000"), "principal:alice"),
        (Principal(name="peer:192.0.2.1"), "principal:peer:192.0.2.1"),
        (Principal(name="anonymous"), "principal:anonymous"),
        (Principal(origin="ipv4:192.0.2.1:5000"), "peer:192.0.2.1"),
        (Principal(origin="192.0.2.1:5000"), "peer:192.0.2.1"),
        (Principal(origin="192.0.2.1"), "peer:192.0.2.1"),
        (Principal(origin="ipv6:%5B2001:db8:1:2:3::1%5D:5000"), "peer:2001:db8:1:2::/64"),
        (Principal(origin="ipv6:[2001:db8:1:2:ffff::9]:1"), "peer:2001:db8:1:2::/64"),
        (Principal(origin="ipv6:[::ffff:192.0.2.1]:1"), "peer:192.0.2.1"),
        (Principal(origin="ipv6:[fe80::1%25eth0]:1"), "peer:fe80::/64"),
        (Principal(origin="unix:/run/toolcell.sock"), "anonymous"),
        (Principal(origin="nonsense"), "anonymous"),
        (ANYBODY, "anonymous"),
    ],
)
def test_a_caller_without_a_name_is_the_host_he_calls_from(
    principal: Principal, expected: str
) -> None:
    """
    Not his port, which he has thousands of, nor the half of an IPv6 address that he chooses.
    """
    assert expected == subject(principal)


def test_names_that_nothing_takes_as_they_are_stay_apart_and_short() -> None:
    """
    Half a surrogate pair fits a token, and no database; a name may be as long as metadata.
    """
    names = ["a" * 200, "a" * 201, "a\ud800", "a\ud801", "a\n", "a", "ä" * 128]
    found = [subject(Principal(name=name)) for name in names]

    assert len(set(found)) == len(names)
    assert all(len(each.encode()) < 300 and each.isprintable() for each in found)
    assert found[5] == "principal:a"


def test_a_manifest_has_a_rule_of_its_own() -> None:
    """
    For everybody together, unless it says otherwise.
    """
    [found] = manifests.rule("echo", {"calls": ["2/second"], "calls_per_hour": 9})
    [each] = manifests.rule("echo", {"concurrency": 2, "per": "principal_tool"})

    assert (found.per, found.tools) == ("tool", ("echo",))
    assert [2, 9] == [bound.limit for bound in found.bounds]
    assert (each.per, each.concurrency, each.calls) == ("principal_tool", 2, ())
    assert manifests.rule("echo", {}) == ()


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"call": "1/second"}, "rates.call is not known"),
        ({"calls": "often"}, "rates.calls = 'often'"),
        ({"concurrency": 0}, "rates.concurrency = 0"),
        ({"concurrency": True}, "rates.concurrency = True"),
        ({"calls": "1/second", "per": "global"}, "rates.per must be one of"),
        ({"calls": "1/second", "per": ["tool"]}, "rates.per must be one of"),
        ({"per": "tool"}, "rates limits nothing"),
        ({"cpu_seconds_per_day": 5}, "rates.cpu_seconds_per_day is not known"),
    ],
)
def test_a_manifest_that_limits_nothing_it_says_is_refused(
    rates: dict[str, object], said: str
) -> None:
    """
    A tool that counts on a limit must not run without it.
    """
    with pytest.raises(ValueError, match="rates") as caught:
        manifests.rule("echo", rates)

    assert said in str(caught.value)
