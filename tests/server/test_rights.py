"""
Roles, scopes and places: what a caller may call before anybody looks at arguments.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruling import rights, rule, tool
from toolcell_server.principal import ANYBODY, APPROVE, Principal
from toolcell_server.rights import Origins, Selectors

if TYPE_CHECKING:
    from toolcell_server.tool import Tool

TOOLS = [
    tool("read_file", category="files", tags=("safe",)),
    tool("write_file", category="files"),
    tool("files_list", category="files", tags=("safe", "slow")),
    tool("fetch", category="web", bundle="theirs", scopes=("web",)),
    tool("pay", category="money", scopes=("money", "web")),
    tool("run_shell"),
]


def may(found: Any, principal: Principal) -> list[str]:
    reach = found.reach(principal)
    return [each.name for each in TOOLS if reach.may_call(each)]


def alice(**fields: Any) -> Principal:
    sets = {key: frozenset(fields.pop(key, ())) for key in ("roles", "scopes")}
    return Principal(**{"name": "alice", **sets, **fields})


SELECTED: list[tuple[list[str], list[str]]] = [
    ([], []),
    (["read_file"], ["read_file"]),
    (["*"], ["read_file", "write_file", "files_list", "run_shell"]),
    (["*_file"], ["read_file", "write_file"]),
    (["files_*"], ["files_list"]),
    (["*i*_*s*"], ["files_list"]),
    (["r*e"], ["read_file"]),
    (["read_file*"], ["read_file"]),
    (["Read_file"], []),
    (["category:files"], ["read_file", "write_file", "files_list"]),
    (["tag:safe"], ["read_file", "files_list"]),
    (["bundle:mine"], ["read_file", "write_file", "files_list", "run_shell"]),
    (["category:web"], []),
    (["tag:saf*"], []),
    (["run_shell", "tag:slow"], ["files_list", "run_shell"]),
]


@pytest.mark.parametrize(("tools", "expected"), SELECTED)
def test_a_role_admits_what_it_selects(tools: list[str], expected: list[str]) -> None:
    """
    And never what asks for a scope that the caller has not.
    """
    assert expected == may(rights({"one": tools}), alice(roles={"one"}))
    assert expected == may(rights(), alice(scopes={f"tools:{text}" for text in tools}))


CALLERS: dict[str, tuple[Any, Principal, list[str]]] = {
    "anybody without roles and authentication may what asks for nothing": (
        rights(),
        ANYBODY,
        ["read_file", "write_file", "files_list", "run_shell"],
    ),
    "somebody with a name and nothing else may nothing": (rights(), alice(), []),
    "anybody of a server that authenticates may nothing": (
        rights(authenticated=True),
        ANYBODY,
        [],
    ),
    "anybody may nothing once there are roles": (rights({"one": ["*"]}), ANYBODY, []),
    "anybody has the anonymous roles": (
        rights({"one": ["read_*"]}, anonymous=("one",)),
        ANYBODY,
        ["read_file"],
    ),
    "somebody with a name has not": (rights({"one": ["*"]}, anonymous=("one",)), alice(), []),
    "a role that is not in the settings gives nothing": (
        rights({"one": ["*"]}),
        alice(roles={"two"}),
        [],
    ),
    "scopes alone admit nothing": (rights(), alice(scopes={"web", "money"}), []),
    "a tool's scopes must all be there": (
        rights({"one": ["*"]}),
        alice(roles={"one"}, scopes={"web"}),
        ["read_file", "write_file", "files_list", "fetch", "run_shell"],
    ),
    "a role brings scopes": (
        rights({"one": {"tools": ["pay"], "scopes": ["money", "web"]}}),
        alice(roles={"one"}),
        ["pay"],
    ),
    "one role admits and another brings the scopes": (
        rights({"one": ["pay"], "two": {"scopes": ["money", "web"]}}),
        alice(roles={"one", "two"}),
        ["pay"],
    ),
    "deny beats every role": (
        rights({"one": ["*"]}, rule("deny", tools=["run_*"])),
        alice(roles={"one"}, scopes={"tools:run_shell"}),
        ["read_file", "write_file", "files_list"],
    ),
    "deny holds for anybody": (
        rights(None, rule("deny", tools=["category:files"])),
        ANYBODY,
        ["run_shell"],
    ),
    "a deny for a role is for who has it": (
        rights({"one": ["*"], "two": []}, rule("deny", roles=["two"])),
        alice(roles={"one"}),
        ["read_file", "write_file", "files_list", "run_shell"],
    ),
    "and beats the others that he has": (
        rights({"one": ["*"], "two": []}, rule("deny", roles=["two"])),
        alice(roles={"one", "two"}),
        [],
    ),
    "a role that holds elsewhere gives nothing": (
        rights({"one": {"tools": ["*"], "allowed_origins": ["10.0.0.0/8"]}}),
        alice(roles={"one"}, origin="ipv4:11.0.0.1:5"),
        [],
    ),
    "nor to a caller from nowhere": (
        rights({"one": {"tools": ["*"], "allowed_origins": ["10.0.0.0/8"]}}),
        alice(roles={"one"}),
        [],
    ),
    "where it holds it gives": (
        rights({"one": {"tools": ["run_*"], "allowed_origins": ["10.0.0.0/8"]}}),
        alice(roles={"one"}, origin="ipv4:10.9.8.7:5"),
        ["run_shell"],
    ),
    "a tool may be closed to the outside": (
        rights({"one": ["*_file"]}, rule("deny", tools=["write_*"], outside=["10.0.0.0/8"])),
        alice(roles={"one"}, origin="ipv4:11.0.0.1:5"),
        ["read_file"],
    ),
    "and to nowhere": (
        rights({"one": ["*_file"]}, rule("deny", tools=["write_*"], outside=["10.0.0.0/8"])),
        alice(roles={"one"}),
        ["read_file"],
    ),
    "and stays open to the inside": (
        rights({"one": ["*_file"]}, rule("deny", tools=["write_*"], outside=["10.0.0.0/8"])),
        alice(roles={"one"}, origin="ipv4:10.0.0.1:5"),
        ["read_file", "write_file"],
    ),
    "a scope that selects nothing gives nothing": (
        rights(),
        alice(scopes={"tools:", "tools:a b", "tools:" + "*a" * 40, "tools:category:"}),
        [],
    ),
}


@pytest.mark.parametrize("sentence", CALLERS)
def test_callers(sentence: str) -> None:
    """
    Nothing said is nothing allowed, as soon as anybody is asked who he is.
    """
    found, principal, expected = CALLERS[sentence]

    assert expected == may(found, principal)


ORIGINS: list[tuple[list[str], str, bool]] = [
    (["127.0.0.1"], "ipv4:127.0.0.1:5555", True),
    (["127.0.0.0/8"], "ipv4:127.9.9.9:5555", True),
    (["10.0.0.0/8"], "ipv4:127.0.0.1:5555", False),
    (["::1"], "ipv6:%5B::1%5D:5555", True),
    (["::1"], "ipv6:[::1]:5555", True),
    (["fe80::/10"], "ipv6:[fe80::1%25eth0]:5555", True),
    (["10.0.0.0/8"], "ipv6:%5B::ffff:10.0.0.1%5D:5", True),
    (["::/0"], "ipv4:10.0.0.1:5", False),
    (["0.0.0.0/0"], "ipv6:%5B::1%5D:5", False),
    (["unix"], "unix:", True),
    (["unix"], "unix:/run/toolcell.sock", True),
    (["unix"], "ipv4:10.0.0.1:5", False),
    (["0.0.0.0/0", "::/0"], "unix:/run/x", False),
    (["0.0.0.0/0", "::/0", "unix"], "", False),
    (["0.0.0.0/0"], "ipv4:127.0.0.1.evil:5", False),
    (["0.0.0.0/0"], "dns:10.0.0.1:5", False),
    (["0.0.0.0/0"], "ipv4:" + "9" * 5000, False),
]


@pytest.mark.parametrize(("networks", "origin", "expected"), ORIGINS)
def test_a_peer_comes_from_a_network(networks: list[str], origin: str, expected: bool) -> None:
    """
    A peer that nobody understands comes from nowhere.
    """
    assert expected == Origins.parse(networks).include(origin)


def test_a_wildcard_of_many_stars_takes_no_time() -> None:
    """
    A scope of a credential may be one; `re` would still be at it tomorrow.
    """
    assert not Selectors.parse(["*a" * 31 + "*b"]).cover_name("a" * 255)


def test_a_credential_is_expanded_without_what_depends_on_its_place() -> None:
    """
    Whoever keeps an expanded credential must not keep what it was given at another place.
    """
    found = rights(
        {
            "reader": {"tools": ["read_*"], "scopes": ["web"]},
            "chief": {"scopes": [APPROVE], "allowed_origins": ["10.0.0.0/8"]},
        }
    )
    expanded = found.expand(alice(roles={"reader", "chief"}, origin="ipv4:10.0.0.1:1"))

    assert expanded.scopes == {"web", "tools:read_*"}
    assert found.expand(expanded) is expanded
    assert found.located(expanded).scopes == {"web", "tools:read_*", APPROVE}
    assert found.located(found.located(expanded)) == found.located(expanded)
    assert found.located(alice(roles={"chief"})).scopes == set()


def test_an_unknown_role_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """
    A token names it with each call; the log says it once, and the caller goes without.
    """
    found = rights({"one": ["*"]})
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert found.expand(alice(roles={"ghost"})).scopes == set()

    assert ["ghost"] == [record.fields["role"] for record in caplog.records]  # type: ignore[attr-defined]


def test_a_rule_for_a_tool_that_is_not_there_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """
    A typing error leaves on what the rule should switch off.
    """
    found = rights({"one": ["read_fil", "read_*"]}, rule("deny", tools=["run_shel"]))
    with caplog.at_level(logging.WARNING):
        found.warn_of_unknown(lambda name: [name] if name == "read_file" else [])

    told = [record.fields["tool"] for record in caplog.records]  # type: ignore[attr-defined]
    assert ["run_shel", "read_fil"] == told


def test_a_reload_is_seen_at_once() -> None:
    """
    A tool of the same name and version may ask for more than the one before.
    """
    reach = rights({"one": ["*"]}).reach(alice(roles={"one"}))

    assert reach.frees(tool("echo"))
    assert not reach.frees(tool("echo", scopes=("web",)))
    assert reach.frees(tool("echo"))


def test_what_is_remembered_is_bounded() -> None:
    """
    Scopes come from credentials, which others make, and tools come and go.
    """
    found = rights({"one": ["*"]})
    for number in range(1000):
        found.reach(alice(scopes={f"s{number}"}))
        found.reach(alice(roles={"one"})).frees(tool(f"tool_{number}"))

    assert len(found._reaches) <= 256
    assert len(found.reach(alice(roles={"one"}))._known) <= 256


NAMES = ["read_file", "run_shell", "fetch", "nothing"]
ROLES = st.lists(
    st.fixed_dictionaries(
        {
            "tools": st.lists(st.sampled_from(["read_file", "*", "run_*", "category:web"])),
            "scopes": st.lists(st.sampled_from(["web", "money"])),
        }
    ),
    max_size=3,
)
DENIED = st.lists(st.sampled_from(["read_file", "run_*", "category:web", "tag:safe"]), min_size=1)


@settings(deadline=None)  # whoever else uses the processor
@given(ROLES, DENIED, st.frozensets(st.sampled_from(["tools:*", "tools:fetch", "web"])))
def test_deny_beats_allow(
    roles: list[dict[str, Any]], denied: list[str], scopes: frozenset[str]
) -> None:
    """
    Whatever roles and scopes say.
    """
    named = {str(number): role for number, role in enumerate(roles)}
    reach = rights(named, rule("deny", tools=denied)).reach(alice(roles=named, scopes=scopes))
    closed = Selectors.parse(denied)

    assert not any(reach.may_call(each) for each in TOOLS if closed.cover(each))
    assert not any(reach.admits_name(name) for name in NAMES if closed.cover_name(name))


@settings(deadline=None)  # whoever else uses the processor
@given(ROLES, st.frozensets(st.sampled_from(["tools:*", "tools:fetch", "web"])))
def test_no_order_of_roles_widens(roles: list[dict[str, Any]], scopes: frozenset[str]) -> None:
    """
    And roles give together what each gives, with all their scopes, and nothing else.
    """
    named = [(str(number), role) for number, role in enumerate(roles)]
    principal = alice(roles={name for name, _ in named}, scopes=scopes)
    found = {tuple(may(rights(dict(order)), principal)) for order in itertools.permutations(named)}
    every = scopes.union(*(role["scopes"] for role in roles))
    tools = [text for role in roles for text in role["tools"]]
    admitted = Selectors.lenient([*tools, *(one[6:] for one in scopes if one[:6] == "tools:")])

    def expected(each: Tool) -> bool:
        return admitted.cover(each) and every.issuperset(each.scopes)

    if named:
        assert {tuple(each.name for each in TOOLS if expected(each))} == found
