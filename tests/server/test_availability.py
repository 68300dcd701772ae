"""
Tools with conditions: where one does not hold, the tool is not there, as if there were none.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from finding import registry, tool
from toolcell_server.permitted import PermittedTools
from toolcell_server.principal import ANYBODY, Principal
from toolcell_server.refusals import CallRefused, NotPermitted, UnknownTool
from toolcell_server.rights import Rights
from toolcell_server.rights.availability import Environment
from toolcell_server.rights.roles import Role
from toolcell_server.searching.search import Search

STAGING = Environment("staging", {"region": "eu", "tier": "2"})
ROLES = (
    Role(name="everything", tools=frozenset({"*"})),
    Role(name="analyst", tools=frozenset({"*"})),
)


def tools(conditions: dict[str, Any], environment: Environment, *roles: Role) -> PermittedTools:
    made = registry(tool("usual"), tool("special", "Does it.", conditions=conditions))
    return PermittedTools(made, Rights(roles, environment=environment))


def names(found: PermittedTools, caller: Principal) -> list[str]:
    return [each.name for each in found.tools(caller)]


@pytest.mark.parametrize(
    ("conditions", "there"),
    [
        ({}, True),
        ({"environments": ["staging"]}, True),
        ({"environments": ["production", "staging"]}, True),
        ({"environments": ["production"]}, False),
        ({"environments": [""]}, False),
        ({"environment_labels": {"region": "eu"}}, True),
        ({"environment_labels": {"region": "eu", "tier": "2"}}, True),
        ({"environment_labels": {"region": "eu", "tier": "1"}}, False),
        ({"environment_labels": {"zone": "a"}}, False),
        ({"environments": ["staging"], "environment_labels": {"region": "us"}}, False),
    ],
)
def test_the_environment_decides(conditions: dict[str, Any], *, there: bool) -> None:
    assert there == ("special" in names(tools(conditions, STAGING), ANYBODY))


def test_a_server_without_a_name_is_no_environment() -> None:
    assert ["usual"] == names(tools({"environments": ["production"]}, Environment()), ANYBODY)


@pytest.mark.parametrize(
    ("conditions", "caller", "there"),
    [
        ({"roles": ["analyst"]}, {"roles": {"everything", "analyst"}}, True),
        ({"roles": ["analyst"]}, {"roles": {"everything"}}, False),
        ({"roles": ["ghost"]}, {"roles": {"everything", "ghost"}}, False),
        ({"labels": {"team": "data"}}, {"labels": {"team": "data", "x": "y"}}, True),
        ({"labels": {"team": "data"}}, {"labels": {"team": "sales"}}, False),
        ({"labels": {"team": "data"}}, {}, False),
        (
            {"roles": ["analyst"], "labels": {"team": "data"}},
            {"roles": {"everything", "analyst"}, "labels": {"team": "sales"}},
            False,
        ),
    ],
)
def test_the_caller_decides(
    conditions: dict[str, Any], caller: dict[str, Any], *, there: bool
) -> None:
    """
    A role that the settings do not have makes nothing appear, whoever says that he has it.
    """
    roles = frozenset(caller.get("roles", {"everything"}))
    principal = Principal(name="anna", roles=roles, labels=caller.get("labels", {}))

    assert there == ("special" in names(tools(conditions, STAGING, *ROLES), principal))


def test_what_is_not_there_is_as_what_never_was() -> None:
    """
    The same refusal, word for word, for calls, looks and searches.
    """
    found = tools({"labels": {"team": "data"}}, STAGING)

    def said(name: str, principal: Principal) -> tuple[type, str]:
        with pytest.raises(CallRefused) as refused:
            found.find_callable(name, "", principal)
        return type(refused.value), str(refused.value).replace(name, "NAME")

    assert UnknownTool is said("special", ANYBODY)[0]
    assert said("specials", ANYBODY) == said("special", ANYBODY)
    with pytest.raises(UnknownTool) as close:
        found.find("specia", "", ANYBODY)
    assert "special" not in str(close.value).replace("specia'", "")
    inside = Principal(labels={"team": "data"})
    assert "special" == found.find_callable("special", "", inside).name


def test_a_search_finds_it_only_where_it_is() -> None:
    made = registry(tool("special", "Does it.", conditions={"labels": {"team": "data"}}))
    search = Search(made, PermittedTools(made, Rights()))

    def found(caller: Principal) -> int:
        return len(asyncio.run(search.find("special", 5, caller, lambda _: True)).tools)

    assert (0, 1, 0) == (found(ANYBODY), found(Principal(labels={"team": "data"})), found(ANYBODY))


def test_two_callers_who_differ_only_in_labels_are_told_apart() -> None:
    found = tools({"labels": {"team": "data"}}, STAGING, *ROLES)
    data, sales = (
        Principal(name="anna", roles=frozenset({"everything"}), labels={"team": team})
        for team in ("data", "sales")
    )

    assert "special" == found.find("special", "", data).name
    with pytest.raises((UnknownTool, NotPermitted)):
        found.find("special", "", sales)
    assert "special" == found.find("special", "", data).name
