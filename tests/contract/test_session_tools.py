"""
Tools that are registered for a session, and workflows in one, over a socket.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import toolcell
from sessioning import TOKENS, calling, people, start_with_sessions, workspace
from toolcell_client.errors import CallRefused, SwitchedOff, UnknownSession, UnknownTool
from working import settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running_server import Server
    from toolcell_client import Client

REGISTRY = "[registry]\nenabled = true\n"
WORKFLOWS = "[workflows]\nenabled = true\n"


def says(text: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "says",
        "description": "Says it.",
        "effects": "read_only",
        "parameters": {"type": "object", "properties": {}},
        "argv": ["/bin/echo", "-n", text],
        "stdin": "none",
        "result": "text",
        **more,
    }


def names(client: Client, session_id: str = "") -> set[str]:
    return {tool.name for tool in client.list_tools(session_id=session_id)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("session-tools")
    folder.chmod(0o755)
    more = REGISTRY + WORKFLOWS + people("toolcell:own_tools")
    with start_with_sessions(folder, more=more) as server:
        yield server
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def alice(server: Server) -> Iterator[Client]:
    with calling(server, "alice") as client:
        yield client


def test_a_tool_of_a_session_is_there_in_it_and_goes_with_it(alice: Client) -> None:
    with alice.session() as one, alice.session() as other:
        alice.registry.register([says("one")], session_id=one.session_id)
        alice.registry.register([says("other")], session_id=other.session_id)
        assert "one" == one.run("says").value
        assert "other" == other.run("says").value
        assert "says" in names(alice, one.session_id) - names(alice)
        assert alice.get_tool("says", session_id=one.session_id).scope == 3
        found = alice.search_tools("says it", session_id=one.session_id).tools
        assert ["says"] == [each.tool.name for each in found if each.tool.scope == 3]
        first = next(alice.registry.watch(session_id=one.session_id))
        assert "says" in {tool.name for tool in first.snapshot.tools}
        with pytest.raises(UnknownTool):
            alice.run("says")
        batch = [{"tool": "says", "session_id": one.session_id}, {"tool": "says"}]
        with alice.batch(batch) as calls:
            ends = list(calls.results().values())
        assert "one" == ends[0].value  # type: ignore[union-attr]
        assert isinstance(ends[1], UnknownTool)
        alice.sessions.delete(one.session_id)
        assert "other" == other.run("says").value
    gone = [entry for entry in alice.registry.history("says") if entry.reason]
    assert {"its session is over"} == {entry.reason for entry in gone}
    assert {one.session_id, other.session_id} == {entry.session for entry in gone}


def test_nobody_reaches_the_session_of_another(server: Server, alice: Client) -> None:
    with alice.session() as session, calling(server, "mallory") as mallory:
        alice.registry.register([says("hers")], session_id=session.session_id)
        for ask in (
            lambda: mallory.registry.register([says("his")], session_id=session.session_id),
            lambda: list(mallory.list_tools(session_id=session.session_id)),
            lambda: mallory.get_tool("says", session_id=session.session_id),
            lambda: mallory.search_tools("says", session_id=session.session_id),
            lambda: next(mallory.registry.watch(session_id=session.session_id)),
            lambda: mallory.workflows.run(
                {"steps": [{"name": "a", "tool": "says"}]}, session_id=session.session_id
            ).result(),
        ):
            with pytest.raises(UnknownSession):
                ask()
        assert "hers" == session.run("says").value


def test_a_definition_may_be_for_the_principal_all_the_same(alice: Client) -> None:
    with alice.session() as session:
        alice.registry.register(
            [says("mine", name="mine", scope="principal")], session_id=session.session_id
        )
    assert "mine" == alice.run("mine").value
    alice.registry.unregister("mine")


def test_the_command_line_names_a_session(server: Server, alice: Client, tmp_path: Path) -> None:
    file = tmp_path / "says.json"
    file.write_text(json.dumps(says("line")))
    with alice.session() as session:
        alice.registry.register([says("line")], session_id=session.session_id)
        environment = {**os.environ, "TOOLCELL_TOKEN": TOKENS["alice"]}
        flags = ("--session", session.session_id)
        done = toolcell(server.target, "tools", "list", *flags, env=environment)
        assert "says" in {tool["name"] for tool in json.loads(done.stdout)}
        words = ("tools", "register", str(file), "--replace", *flags)
        done = toolcell(server.target, *words, env=environment)
        assert 0 == done.returncode, done.stderr


def test_every_call_of_a_run_is_in_its_session(alice: Client) -> None:
    write = {"code": "open('n', 'w').write('42')"}
    read = {"code": "print(open('n').read())"}
    definition = {
        "steps": [
            {"name": "write", "tool": "run_python", "arguments": write},
            {"name": "read", "tool": "run_python", "arguments": read, "needs": ["write"]},
            {"name": "own", "tool": "says", "needs": ["read"]},
        ],
        "outputs": {"read": "{{read.stdout}}", "own": "{{own}}"},
    }
    with alice.session() as session:
        alice.registry.register([says("own")], session_id=session.session_id)
        run = alice.workflows.run(definition, session_id=session.session_id)
        plan = next(run).accepted.steps
        assert {"read": "42\n", "own": "own"} == run.result().outputs
        assert b"42" == session.download("n")
    # What has a workspace to write leaves something behind, and is not made twice.
    assert {"write": False, "read": False, "own": True} == {
        step.name: step.repeatable for step in plan
    }


def test_a_run_is_in_its_session_when_another_server_goes_on(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    more = WORKFLOWS + people()
    sleep = {"code": "import time\nopen('begun', 'w').close()\ntime.sleep(600)"}
    read = {"code": "import os\nprint(os.listdir())"}
    definition = {
        "steps": [
            {"name": "sleep", "tool": "run_python", "arguments": sleep},
            {"name": "read", "tool": "run_python", "arguments": read, "needs": ["sleep"]},
        ],
        "outputs": {"read": "{{read.stdout}}"},
    }
    with start_with_sessions(tmp_path, more=more) as server, calling(server, "alice") as client:
        session = client.sessions.create()
        run = client.workflows.run(definition, session_id=session.session_id)
        while not (workspace(tmp_path) / "begun").exists():
            next(run)
        server.process.kill()
        server.process.wait()
    with start_with_sessions(tmp_path, more=more) as server, calling(server, "alice") as client:
        assert "interrupted" == client.workflows.watch(run.run_id).result().state
        client.workflows.resume(run.run_id, "skip")
        ended = settled(client, run.run_id).finished
        assert {"read": "['begun']\n"} == json.loads(ended.outputs_json), ended


def test_where_nobody_is_known_the_registry_keeps_the_secret(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with (
        start_with_sessions(tmp_path, more=REGISTRY) as server,
        calling(server) as one,
        calling(server) as other,
    ):
        session = one.sessions.create()
        one.registry.register([says("secret")], session_id=session.session_id)
        one.registry.register([says("known", name="known")])
        told = [*other.registry.history(), *other.registry.export()]
        told += [*other.list_tools(), *other.search_tools("says it").tools]
        assert "known" in str(told)
        assert session.session_id not in str(told)
        assert "secret" == one.run("says", session_id=session.session_id).value
        with pytest.raises(UnknownTool):
            other.get_tool("says")


def test_without_sessions_none_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with (
        start_with_sessions(tmp_path, more=REGISTRY, enabled=False) as server,
        calling(server) as client,
    ):
        with pytest.raises(SwitchedOff):
            client.registry.register([says("a")], session_id="a")
        with pytest.raises(CallRefused):
            list(client.list_tools(session_id="a"))
