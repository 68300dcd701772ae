from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import mcp_server
import pytest
from toolcell_server.registering import checking
from toolcell_server.registering.mcp.listed import CONTENTS, Server, tools_of
from toolcell_server.registering.turns import Turns

if TYPE_CHECKING:
    from toolcell_server.registering.offered import Offers

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}


def offers(*tools: Any, **server: Any) -> Offers:
    found = tools_of(Server(argv=("/bin/server", "-x"), **server), {"tools": list(tools)})
    return asyncio.run(checking.offers(found.made, found.skipped, Turns(), "ann"))


def one(tool: dict[str, Any], **server: Any) -> Any:
    [offered] = offers({"name": "look", "inputSchema": SCHEMA, **tool}, **server)
    return offered.manifest


def test_a_tool_is_carried_by_its_own_name_and_called_by_ours() -> None:
    [offered] = offers({"name": "a b", "inputSchema": SCHEMA}, prefix="s_", code=("/srv/code",))

    assert offered.manifest["name"] == "s_a_b"
    assert (offered.carried.carrier, offered.carried.code) == ("call_mcp", ("/srv/code",))
    assert offered.carried.payload == {
        "argv": ["/bin/server", "-x"],
        "tool": "a b",
        "structured": False,
    }


@pytest.mark.parametrize(
    ("annotations", "effects"),
    [
        ({}, "writes"),
        ({"readOnlyHint": True}, "writes"),
        ({"destructiveHint": True}, "destructive"),
        ({"readOnlyHint": True, "destructiveHint": True}, "destructive"),
        ({"destructiveHint": "yes"}, "writes"),
        ("none", "writes"),
    ],
)
def test_a_hint_makes_a_tool_no_more_harmless(annotations: Any, effects: str) -> None:
    assert one({"annotations": annotations})["effects"] == effects


def test_who_registers_says_what_only_reads_and_the_grant_follows() -> None:
    keys = {"paths": [{"path": "/srv", "access": "write"}]}
    reading = one({}, keys=keys, read_only=("look",))
    writing = one({}, keys=keys, read_only=("other",))

    assert (reading["effects"], reading["paths"]) == (
        "read_only",
        [{"path": "/srv", "access": "read"}],
    )
    assert (writing["effects"], writing["paths"]) == ("writes", keys["paths"])


def test_what_the_server_says_grants_nothing() -> None:
    hostile = {
        "paths": [{"path": "/", "access": "write"}],
        "domains": ["evil.test:443"],
        "profile": "net",
        "env": {"A": "b"},
        "scopes": [],
        "limits": {"wall_seconds": 300},
    }
    found = one({**hostile, "annotations": hostile})

    assert not {"paths", "domains", "env", "scopes", "limits"} & set(found)
    assert found["profile"] == "subprocess"


def test_a_template_is_for_the_tools_that_have_its_argument() -> None:
    keys: dict[str, Any] = {
        "paths": [{"path": "{path}", "access": "read"}, {"path": "/srv", "access": "read"}],
        "domains": ["{host}:443", {"domain": "{path}:80"}],
    }
    other = {"name": "other", "inputSchema": {"type": "object", "properties": {}}}
    looking, bare = offers({"name": "look", "inputSchema": SCHEMA}, other, keys=keys)

    assert (len(looking.manifest["paths"]), len(looking.manifest["domains"])) == (2, 1)
    assert (bare.manifest["paths"], bare.manifest["domains"]) == ([keys["paths"][1]], [])


def test_what_it_is_asked_with_is_what_every_call_gets() -> None:
    keys: dict[str, Any] = {
        "paths": [{"path": "{path}", "access": "read"}, {"path": "/srv", "access": "read"}],
        "limits": {"wall_seconds": 5},
        "env": {"A": "b"},
        "tags": ["t"],
    }
    asking = Server(argv=("/a",), keys=keys).asking()

    assert asking["paths"] == [{"path": "/srv", "access": "read"}]
    assert (asking["limits"], asking["env"]) == (keys["limits"], keys["env"])
    assert "tags" not in asking


def test_a_schema_of_results_that_cannot_be_used_is_left_out_and_the_tool_is_not() -> None:
    bad = one({"outputSchema": {"type": "object", "properties": {"a": {"$ref": "http://x.test"}}}})
    good = one({"outputSchema": {"type": "object"}})

    assert "returns" not in bad
    assert good["returns"] == {"type": "object"}
    assert one({})["returns"] == CONTENTS


def test_what_no_server_may_offer_is_left_out_with_the_reason() -> None:
    found = offers(*mcp_server.HOSTILE)

    assert [each.manifest["name"] for each in found] == ["operation"]
    assert len(found[0].manifest["description"]) == 1000
    assert "\x1b" not in found[0].manifest["description"]
    assert len(found.skipped) == len(mcp_server.HOSTILE) - 1
    assert all(each.reason for each in found.skipped)


@pytest.mark.parametrize("listed", [None, [], {}, {"tools": 5}, "tools"])
def test_what_is_no_list_is_refused(listed: Any) -> None:
    with pytest.raises(ValueError, match="no list"):
        tools_of(Server(argv=("/a",)), listed)


def test_more_tools_than_are_taken_are_refused_whoever_says_so() -> None:
    """
    The carrier counts them too, but a hostile server runs in the same cell: what comes out of it
    is not believed.
    """
    with pytest.raises(ValueError, match="501 tools"):
        tools_of(Server(argv=("/bin/server",)), {"tools": [{"name": "a"}] * 501})
