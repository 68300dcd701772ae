from __future__ import annotations

import dataclasses

from toolcell_server.principal import Principal
from toolcell_server.rights import Rights
from toolcell_server.rights.roles import Role
from toolcell_server.workflows.callers import Callers


def rights(*tools: str) -> Rights:
    role = Role(name="user", tools=frozenset(tools), scopes=frozenset({"of-role"}))
    return Rights([role], authenticated=True)


def alice(now: Rights) -> Principal:
    bare = Principal(
        name="alice",
        roles=frozenset({"user"}),
        scopes=frozenset({"tools:own", "of-token"}),
        labels={"team": "a"},
        session="s",
        origin="ipv4:10.0.0.1:1",
    )
    return now.located(now.expand(bare))


def test_a_caller_is_taken_up_as_he_was() -> None:
    now = rights("append")
    caller = alice(now)

    assert caller == Callers(now).read(Callers(now).written(caller))


def test_what_a_role_no_longer_gives_is_gone_and_what_the_token_gave_stays() -> None:
    before, after = rights("append", "other"), rights("other", "new")
    taken_up = Callers(after).read(Callers(before).written(alice(before)))

    assert {"tools:own", "of-token", "of-role", "tools:other", "tools:new"} == taken_up.scopes


def test_a_role_that_is_gone_gives_nothing() -> None:
    before, after = rights("append"), Rights(authenticated=True)
    taken_up = Callers(after).read(Callers(before).written(alice(before)))

    assert {"tools:own", "of-token"} == taken_up.scopes


def test_a_scope_that_both_gave_is_the_roles() -> None:
    before, after = rights("append"), rights("other")
    caller = alice(before)
    both = dataclasses.replace(caller, scopes=caller.scopes | {"tools:append"})

    assert "tools:append" not in Callers(after).read(Callers(before).written(both)).scopes
