"""
Tools that are registered at run time, end to end: a real server, real cells, both clients.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import toolcell
from running_server import Server, start_server
from toolcell.v1 import registry_pb2 as pb
from toolcell_client import AsyncClient, CallRefused, Client
from toolcell_client.errors import ApprovalRequired

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = {
    "admin": ["toolcell:tools", "tools:*"],
    "alice": ["toolcell:own_tools", "tools:calculate"],
    "bob": ["toolcell:own_tools", "tools:*"],
    "chief": ["toolcell:approve"],
}
TOKENS = {name: f"{name}-" + "0123456789abcdef" * 2 for name in NAMES}


def settings(folder: Path, more: str = "") -> str:
    tokens = "".join(
        f'[[auth.tokens]]\nname = "{name}"\nscopes = {json.dumps(scopes)}\n'
        f'sha256 = "{hashlib.sha256(TOKENS[name].encode()).hexdigest()}"\n'
        for name, scopes in NAMES.items()
    )
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data").chmod(0o755)
    (folder / "data/secret").write_text("the secret")
    policy = f'[policy]\nroots = [{{ path = "{folder}/data" }}]\n'
    return f"[registry]\nenabled = true\n{tokens}{policy}{more}"


def upper(**changes: Any) -> dict[str, Any]:
    return {
        "name": "upper",
        "description": "Capitals.",
        "effects": "read_only",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
        "argv": ["/usr/bin/tr", "a-z", "A-Z"],
        "stdin": "{text}",
        "result": "text",
        **changes,
    }


def says(text: str, **changes: Any) -> dict[str, Any]:
    return upper(argv=["/bin/echo", text], stdin="none", **changes)


def of(server: Server, name: str) -> Client:
    return Client(server.target, token=TOKENS[name])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("registered")
    folder.chmod(0o755)
    approval = '[[approval.tools]]\ntool = "careful"\nkind = "approve"\n'
    with start_server(folder, settings(folder, approval)) as server:
        yield server
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def admin(server: Server) -> Iterator[Client]:
    with of(server, "admin") as client:
        yield client
        for name in {tool.name for tool in client.list_tools() if tool.bundle == "registered"}:
            client.registry.unregister(name, scope="global")


def test_a_command_is_registered_and_runs_in_a_cell(admin: Client) -> None:
    [answer] = admin.registry.register([upper()])

    assert ["upper"] == [tool.name for tool in answer.tools]
    assert "HELLO" == admin.run("upper", {"text": "hello"}).value
    with pytest.raises(CallRefused, match="arguments_json/text"):
        admin.run("upper", {"text": 3})


def test_what_its_manifest_does_not_grant_it_does_not_get(admin: Client, server: Server) -> None:
    """
    The control is the same program with the grant.
    """
    data = f"{server.log.parent}/data"
    cat = upper(
        name="cat",
        argv=["/bin/cat", "{path}"],
        stdin="none",
        parameters={"type": "object", "properties": {"path": {"type": "string"}}},
    )
    granted = {**cat, "name": "cat_granted", "paths": [{"path": "{path}", "access": "read"}]}
    admin.registry.register([cat, granted])

    assert "the secret" == admin.run("cat_granted", {"path": f"{data}/secret"}).value
    refused = admin.run("cat", {"path": f"{data}/secret"})
    assert not refused.ok
    assert "No such file" in refused.stderr.decode()


def test_a_tool_of_ones_own_is_called_by_nobody_else(server: Server) -> None:
    with of(server, "alice") as alice, of(server, "bob") as bob:
        alice.registry.register([upper(name="mine")])
        bob.registry.register([says("of bob", name="mine")])

        assert "A" == alice.run("mine", {"text": "a"}).value
        assert "of bob\n" == bob.run("mine").value
        alice.registry.unregister("mine")
        with pytest.raises(CallRefused) as refused:
            alice.run("mine", {"text": "a"})
        assert "NOT_PERMITTED" == refused.value.reason  # as for any name that is nobody's
        assert "of bob\n" == bob.run("mine").value
        bob.registry.unregister("mine")


def test_answers_that_are_kept_are_not_told_to_another_owner(server: Server) -> None:
    public = {"cache_ttl_seconds": 600, "cache_scope": "public"}
    with of(server, "alice") as alice, of(server, "bob") as bob:
        alice.registry.register([says("of alice", name="kept", **public)])
        bob.registry.register([says("of bob", name="kept", **public)])

        assert "of alice\n" == alice.run("kept").value
        assert alice.run("kept").cached  # or it would say nothing
        assert "of bob\n" == bob.run("kept").value
        alice.registry.register([says("another", name="kept", **public)], replace=True)
        assert "another\n" == alice.run("kept").value
        for client in (alice, bob):
            client.registry.unregister("kept")


def test_a_yes_is_for_what_was_registered_when_it_was_asked_for(server: Server) -> None:
    """
    Who registers may not have one thing approved and run another.
    """
    with of(server, "alice") as alice, of(server, "chief") as chief:
        alice.registry.register([says("harmless", name="careful")])
        with pytest.raises(ApprovalRequired) as asked:
            alice.run("careful")
        assert "harmless" in chief.approvals.get(asked.value.approval_id).summary
        chief.approvals.approve(asked.value.approval_id)
        alice.registry.register([says("harmful", name="careful")], replace=True)
        with pytest.raises(CallRefused) as refused:
            alice.run("careful", approval_token=asked.value.token)
        assert "APPROVAL_ALTERED" == refused.value.reason

        alice.registry.register([says("harmless", name="careful")], replace=True)
        assert "harmless\n" == alice.run("careful", approval_token=asked.value.token).value
        alice.registry.unregister("careful")


def test_a_deprecated_version_warns_and_after_its_sunset_is_refused(admin: Client) -> None:
    tomorrow, yesterday = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
    admin.registry.register([upper()])
    assert () == admin.run("upper", {"text": "a"}).warnings
    admin.registry.deprecate("upper", "use shout", sunset=tomorrow)

    [warning] = admin.run("upper", {"text": "a"}).warnings
    assert "TOOL_DEPRECATED" == warning.reason
    assert "use shout" in warning.message
    assert tomorrow.isoformat(timespec="seconds") in warning.message
    [warning] = admin.execute("upper", {"text": "a"}).result().warnings
    assert "TOOL_DEPRECATED" == warning.reason
    admin.registry.deprecate("upper", "use shout", sunset=yesterday)
    with pytest.raises(CallRefused, match="use shout") as refused:
        admin.run("upper", {"text": "a"})
    assert "TOOL_RETIRED" == refused.value.reason
    admin.registry.reactivate("upper")
    assert "A" == admin.run("upper", {"text": "a"}).value


def test_the_asynchronous_client_does_all_of_it(server: Server, admin: Client) -> None:
    async def scenario() -> list[str]:
        async with AsyncClient(server.target, token=TOKENS["admin"]) as client:
            seen = client.registry.watch()
            assert (await anext(seen)).snapshot.last
            [answer] = await client.registry.register([upper()])
            assert not answer.faults
            [tool] = await client.registry.deprecate("upper", "old")
            assert "old" == tool.deprecated
            [tool] = await client.registry.reactivate("upper")
            assert "" == tool.deprecated
            assert ["upper"] == [tool.name for tool in await client.registry.unregister("upper")]
            kinds = [(await anext(seen)).change.kind for _ in range(4)]
            await seen.aclose()  # type: ignore[attr-defined]
            entries = [entry.kind async for entry in client.registry.history("upper")]
            assert kinds == entries[3::-1]
            return [pb.ToolChangeKind.Name(kind)[17:].lower() for kind in kinds]

    assert ["registered", "deprecated", "reactivated", "unregistered"] == asyncio.run(scenario())


def test_a_watch_goes_on_from_a_token(admin: Client) -> None:
    token = next(admin.registry.watch()).resume_token
    admin.registry.register([upper()])

    told = next(admin.registry.watch(token))
    assert ("upper", pb.TOOL_CHANGE_KIND_REGISTERED) == (told.change.tool.name, told.change.kind)


def test_where_registering_is_off_it_is_refused_by_name(tmp_path: Path) -> None:
    with start_server(tmp_path) as plain, Client(plain.target) as client:
        with pytest.raises(CallRefused, match=r"registry\.enabled = true") as refused:
            client.registry.register([upper()])
        assert "SWITCHED_OFF" == refused.value.reason
        assert next(client.registry.watch()).snapshot.tools  # which watches bundles as well
        assert "registered" not in {tool.bundle for tool in client.list_tools()}


def test_what_is_registered_outlives_the_death_of_the_server(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    flags = ("--set", f"state_dir={state}")
    with (
        start_server(tmp_path, settings(tmp_path), flags=flags) as one,
        of(one, "alice") as alice,
        of(one, "admin") as admin,
    ):
        admin.registry.register([upper()])
        alice.registry.register([says("of alice", name="mine")])
        one.process.kill()
        one.process.wait()
    with (
        start_server(tmp_path, settings(tmp_path), flags=flags) as other,
        of(other, "alice") as alice,
        of(other, "admin") as admin,
    ):
        assert "A" == admin.run("upper", {"text": "a"}).value
        assert "of alice\n" == alice.run("mine").value
        assert 2 == len(list(admin.registry.history()))


def test_the_command_line_registers_each_for_itself_and_says_what_is_wrong(
    server: Server, admin: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps({"tools": [upper(), upper(name="bad", colour="red")]}))
    monkeypatch.setenv("TOOLCELL_TOKEN", TOKENS["admin"])

    whole = toolcell(server.target, "tools", "register", str(file))
    assert (4, "") == (whole.returncode, whole.stdout)
    assert "definitions[1]/manifest" in whole.stderr
    each = toolcell(server.target, "tools", "register", "--each", str(file))
    assert 4 == each.returncode
    assert ["upper"] == [tool["name"] for tool in json.loads(each.stdout)]
    assert "tools.json: /manifest: MANIFEST_INVALID" in each.stderr
    wrong = toolcell(server.target, "tools", "register", str(tmp_path / "none.toml"))
    assert 2 == wrong.returncode
