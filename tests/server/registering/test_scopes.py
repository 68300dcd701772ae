"""
For whom a registered tool is there: nobody else sees it, nothing of it tells, and it takes no call
that was meant for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from registering_server import ALL, OWN, Served, definition, played
from toolcell.v1 import registry_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

GLOBAL, PRINCIPAL, SESSION = (
    pb.TOOL_SCOPE_GLOBAL,
    pb.TOOL_SCOPE_PRINCIPAL,
    pb.TOOL_SCOPE_SESSION,
)
BUNDLED = {
    "tools": [
        {
            "name": "deploy",
            "version": "1",
            "description": "Of a bundle.",
            "parameters": {"type": "object"},
        }
    ],
    "broken": [],
}


def test_what_is_registered_for_everybody_is_everybodys() -> None:
    async def scenario(served: Served) -> None:
        assert [[]] == await served.caller("admin", ALL).register(definition())
        tool = await served.caller("bob", "tools:*").get("upper")

        assert (GLOBAL, "registered") == (tool.scope, tool.bundle)
        assert tool.HasField("registered_time")

    played(scenario)


def test_a_tool_of_a_principal_is_there_for_nobody_else() -> None:
    """
    The words are those for a name that nobody has, but for the name; and so for one who may call
    every tool of everybody.
    """

    async def scenario(served: Served) -> None:
        alice, bob = served.caller("alice"), served.caller("bob", f"{OWN},tools:*")
        assert [[]] == await alice.register(definition("payroll"))

        assert ["payroll 1"] == await alice.names()
        assert PRINCIPAL == (await alice.get("payroll")).scope
        assert [] == await bob.names()
        assert await bob.refused_get("payroll") == tuple(
            said.replace("payrzll", "payroll") for said in await bob.refused_get("payrzll")
        )
        assert "list the tools" in (await bob.refused_get("payrzll"))[2]
        knowing = served.caller("alice", f"{OWN},tools:*")
        assert "payroll" in (await knowing.refused_get("payrzll"))[2]
        unregister = pb.UnregisterToolRequest(name="payroll")
        assert "NOT_FOUND" == (await bob.refused("UnregisterTool", unregister))[0]

    played(scenario)


def test_a_tool_of_a_session_is_there_in_no_other() -> None:
    async def scenario(served: Served) -> None:
        first = served.caller("alice", OWN, "one")
        second, none = served.caller("alice", OWN, "two"), served.caller("alice")
        assert [[]] == await first.register(definition("scratch", scope=SESSION))

        assert ["scratch 1"] == await first.names()
        assert ([], []) == (await second.names(), await none.names())
        assert [[]] == await second.register(definition("scratch", version="2", scope=SESSION))
        assert "1" == (await first.get("scratch")).version
        assert [["INVALID_FIELD"]] == await none.register(definition("other", scope=SESSION))

    played(scenario)


def test_principals_have_the_same_name_each_for_himself() -> None:
    """
    A name that is taken by somebody who is not there would tell of him.
    """

    async def scenario(served: Served) -> None:
        alice, bob = served.caller("alice"), served.caller("bob")
        assert [[]] == await alice.register(definition("note", description="Of Alice."))
        assert [[]] == await bob.register(definition("note", description="Of Bob."))

        assert "Of Alice." == (await alice.get("note")).description
        assert "Of Bob." == (await bob.get("note")).description

    played(scenario)


@pytest.mark.parametrize("scope", [GLOBAL, PRINCIPAL])
def test_what_a_bundle_has_is_not_to_be_had(scope: pb.ToolScope.ValueType) -> None:
    async def scenario(served: Served) -> None:
        served.app.registry.replace("mine", BUNDLED)
        admin = served.caller("admin", ALL)

        assert [["NAME_TAKEN"]] == await admin.register(
            definition("deploy", version="9", scope=scope), replace=True
        )
        assert "Of a bundle." == (await admin.get("deploy")).description

    played(scenario)


def test_what_everybody_has_is_not_to_be_shadowed() -> None:
    async def scenario(served: Served) -> None:
        admin, alice = served.caller("admin", ALL), served.caller("alice", f"{OWN},tools:*")
        assert [[]] == await admin.register(definition("deploy"))

        assert [["NAME_TAKEN"]] == await alice.register(definition("deploy", version="9"))

    played(scenario)


def test_what_anybody_has_is_not_to_be_shadowed_by_what_is_for_everybody() -> None:
    async def scenario(served: Served) -> None:
        admin, alice = served.caller("admin", ALL), served.caller("alice")
        assert [[]] == await alice.register(definition("note"))

        assert [["NAME_TAKEN"]] == await admin.register(definition("note", version="9"))
        gone = pb.UnregisterToolRequest(name="note", principal="alice", scope=PRINCIPAL)
        await admin.call("UnregisterTool", gone)
        assert [[]] == await admin.register(definition("note", version="9"))

    played(scenario)


def test_a_name_that_everybody_has_and_he_may_not_know_is_free_and_changes_nothing_for_others() -> (
    None
):
    """
    A refusal would tell of it.  His own is for him alone, and only for as long as he may not call
    everybody's.
    """

    async def scenario(served: Served) -> None:
        admin = served.caller("admin", ALL)
        assert [[]] == await admin.register(definition("deploy", description="Everybody's."))
        assert [[]] == await served.caller("alice").register(
            definition("deploy", description="Of Alice.")
        )

        assert "Of Alice." == (await served.caller("alice").get("deploy")).description
        assert "Everybody's." == (await admin.get("deploy")).description
        promoted = served.caller("alice", f"{OWN},tools:*")
        assert "Everybody's." == (await promoted.get("deploy")).description

    played(scenario)


def test_a_bundle_that_comes_later_takes_the_name_and_its_owner_sees_why() -> None:
    async def scenario(served: Served) -> None:
        admin, alice = served.caller("admin", ALL), served.caller("alice", f"{OWN},tools:*")
        assert [[]] == await alice.register(definition("deploy"))
        assert [[]] == await admin.register(definition("other"))
        served.app.registry.replace("mine", BUNDLED)

        listed = (await alice.call("ListTools", pb.ListToolsRequest())).tools
        states = [(tool.name, tool.bundle, tool.state) for tool in listed]
        assert ("deploy", "mine", pb.TOOL_STATE_AVAILABLE) in states
        assert ("deploy", "registered", pb.TOOL_STATE_BROKEN) in states
        assert "Of a bundle." == (await alice.get("deploy")).description
        gone = await alice.call("UnregisterTool", pb.UnregisterToolRequest(name="deploy"))
        assert ["deploy"] == [tool.name for tool in gone.tools]

    played(scenario)


def test_whoever_has_lost_the_right_to_tools_of_his_own_has_none() -> None:
    async def scenario(served: Served) -> None:
        assert [[]] == await served.caller("alice").register(definition("note"))

        assert [] == await served.caller("alice", "tools:calculate").names()

    played(scenario)


@pytest.mark.parametrize(
    ("scopes", "wanted", "code"),
    [
        pytest.param("tools:*", 0, "PERMISSION_DENIED", id="no right"),
        pytest.param("tools:*", PRINCIPAL, "PERMISSION_DENIED", id="no right, not even his own"),
    ],
)
def test_nothing_is_registered_without_a_right(
    scopes: str, wanted: pb.ToolScope.ValueType, code: str
) -> None:
    async def scenario(served: Served) -> None:
        caller = served.caller("eve", scopes)
        request = pb.RegisterToolsRequest(definitions=[definition(scope=wanted)])

        assert code == (await caller.refused("RegisterTools", request))[0]
        assert [["NOT_PERMITTED"]] == await served.caller("eve").register(definition(scope=GLOBAL))

    played(scenario)


@pytest.mark.parametrize("name", ["deploy", "nothing"])
@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param(lambda n: pb.UnregisterToolRequest(name=n, scope=GLOBAL), id="everybody's"),
        pytest.param(lambda n: pb.UnregisterToolRequest(name=n, principal="bob"), id="of another"),
        pytest.param(
            lambda n: pb.UnregisterToolRequest(name=n, principal="bob", session="s"),
            id="of the session of another",
        ),
    ],
)
def test_what_is_not_his_to_change_he_hears_of_whether_or_not_it_is_there(
    name: str, request_of: Callable[[str], pb.UnregisterToolRequest]
) -> None:
    async def scenario(served: Served) -> None:
        await served.caller("admin", ALL).register(definition("deploy"))
        await served.caller("bob").register(definition("nothing"))
        refused = await served.caller("alice").refused("UnregisterTool", request_of(name))
        assert ("PERMISSION_DENIED", "NOT_PERMITTED") == refused[:2]
        assert name not in refused[2]

    played(scenario)


def test_tools_of_his_own_ask_for_no_more_than_a_cell() -> None:
    """
    Paths and domains are bounded by the policy of everybody, and not by his rights.
    """
    asks = definition("reader", paths=[{"path": "/srv/data", "access": "read"}])
    talks = definition("talker", domains=["example.com:443"])

    async def scenario(served: Served) -> None:
        assert [["NOT_PERMITTED"], ["NOT_PERMITTED"]] == await served.caller("alice").register(
            asks, talks
        )
        assert [[], []] == await served.caller("admin", ALL).register(asks, talks)

    credential = {"domain": "http://example.com", "credential": "operators"}
    spends = definition("spender", domains=[credential])

    async def lifted(served: Served) -> None:
        assert [[], []] == await served.caller("alice").register(asks, talks)
        assert [["NOT_PERMITTED"]] == await served.caller("alice").register(spends)
        assert [[]] == await served.caller("admin", ALL).register(spends)

    played(scenario)
    played(lifted, own_grants=True)
