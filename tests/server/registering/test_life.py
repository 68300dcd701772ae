"""
The life of a registered tool: batches, versions, deprecation, limits, and what outlives the server.
"""

from __future__ import annotations

import json
import sqlite3
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from registering_server import ALL, Caller, Served, definition, played
from toolcell.v1 import registry_pb2 as pb
from toolcell_server.database import FILE
from toolcell_server.refusals import ToolRetired
from toolcell_server.registering import parts
from toolcell_server.registering.plan import MOST_VERSIONS

if TYPE_CHECKING:
    from pathlib import Path

BAD = definition("bad", colour="red")


def admin(served: Served) -> Caller:
    return served.caller("admin", ALL)


def at(seconds: float) -> Timestamp:
    made = Timestamp()
    made.FromMicroseconds(round(seconds * 1e6))
    return made


async def kinds(caller: Caller, **fields: Any) -> list[str]:
    listed = await caller.call("ListToolHistory", pb.ListToolHistoryRequest(**fields))
    return [
        f"{pb.ToolChangeKind.Name(e.kind).removeprefix('TOOL_CHANGE_KIND_').lower()} {e.name}"
        for e in listed.entries
    ]


def test_each_for_itself_registers_those_that_can_be() -> None:
    async def scenario(served: Served) -> None:
        answer = await admin(served).register(definition("one"), BAD, definition("two"))

        assert [[], ["UNKNOWN_KEY"], []] == answer
        assert ["one 1", "two 1"] == await admin(served).names()

    played(scenario)


def test_all_or_nothing_registers_nothing_when_one_cannot_be() -> None:
    async def scenario(served: Served) -> None:
        request = pb.RegisterToolsRequest(
            definitions=[definition("one"), BAD, definition("one")], all_or_nothing=True
        )
        code, reason, words = await admin(served).refused("RegisterTools", request)

        assert ("INVALID_ARGUMENT", "DEFINITIONS_INVALID") == (code, reason)
        assert "definitions[1]/manifest" in words
        assert ([], []) == (await admin(served).names(), await kinds(admin(served)))

    played(scenario)


def test_what_is_only_validated_is_not_registered() -> None:
    async def scenario(served: Served) -> None:
        assert [[], ["UNKNOWN_KEY"]] == await admin(served).register(
            definition("one"), BAD, validate_only=True
        )
        assert [] == await admin(served).names()

    played(scenario)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        pytest.param(pb.ToolDefinition(), ("/source", "SOURCE_UNKNOWN"), id="no source"),
        pytest.param(
            pb.ToolDefinition(manifest_json=b"[", command=pb.CommandSource(argv=["/bin/true"])),
            ("/manifest", "UNREADABLE"),
            id="no JSON",
        ),
        pytest.param(
            definition(argv=("true",)), ("/command/argv/0", "COMMAND"), id="no absolute path"
        ),
        pytest.param(BAD, ("/manifest/colour", "UNKNOWN_KEY"), id="an unknown key"),
        pytest.param(
            definition(limits={"processes": -1}),
            ("/manifest/limits/processes", "LIMIT"),
            id="a limit",
        ),
        pytest.param(
            definition(tags=[1]), ("/manifest/tags/0", "WRONG_TYPE"), id="a tag of a list"
        ),
        pytest.param(
            definition(description="\ud800"),
            ("/manifest/description", "NOT_JSON"),
            id="half a pair",
        ),
        pytest.param(
            definition(parameters={"type": "object", "x": "y" * 70_000}),
            ("/manifest/parameters", "SCHEMA_TOO_LARGE"),
            id="a schema that is too large",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    wrong: pb.ToolDefinition, fault: tuple[str, str]
) -> None:
    async def scenario(served: Served) -> None:
        request = pb.RegisterToolsRequest(definitions=[wrong])
        [answer] = (await admin(served).call("RegisterTools", request)).definitions

        assert [fault] == [(each.path, each.code) for each in answer.faults]
        assert answer.faults[0].message

    played(scenario)


@pytest.mark.parametrize("count", [0, 101])
def test_a_request_has_some_definitions_and_not_too_many(count: int) -> None:
    async def scenario(served: Served) -> None:
        request = pb.RegisterToolsRequest(definitions=[definition()] * count)
        assert "INVALID_ARGUMENT" == (await admin(served).refused("RegisterTools", request))[0]

    played(scenario)


def test_a_version_is_replaced_only_if_that_is_asked_for() -> None:
    async def scenario(served: Served) -> None:
        caller = admin(served)
        assert [[]] == await caller.register(definition())
        assert [[]] == await caller.register(definition())  # the same is nothing new
        other = definition(description="Another one.")
        assert [["ALREADY_REGISTERED"]] == await caller.register(other)
        assert "The tool upper." == (await caller.get("upper")).description

        assert [[]] == await caller.register(other, replace=True)
        assert "Another one." == (await caller.get("upper")).description
        assert ["replaced upper", "registered upper"] == await kinds(caller)

    played(scenario)


def test_a_name_and_version_twice_in_one_request_is_neither() -> None:
    """
    Nobody knows which is meant.
    """

    async def scenario(served: Served) -> None:
        other = definition(description="Another one.")
        request = [definition(), other]
        assert [[], ["REGISTERED_TWICE"]] == await admin(served).register(*request, replace=True)

    played(scenario)


def test_several_versions_live_and_the_newest_that_is_not_deprecated_is_meant() -> None:
    async def scenario(served: Served) -> None:
        caller = admin(served)
        versions = [definition(version=version) for version in ("1.9", "1.10", "2.0-beta")]
        assert [[], [], []] == await caller.register(*versions)
        assert "2.0-beta" == (await caller.get("upper")).version
        assert "1.9" == (await caller.get("upper", "1.9")).version

        old = pb.DeprecateToolRequest(name="upper", version="2.0-beta", reason="use 1.10")
        answer = await caller.call("DeprecateTool", old)
        assert ["use 1.10"] == [tool.deprecated for tool in answer.tools]
        assert "1.10" == (await caller.get("upper")).version

        await caller.call("ReactivateTool", pb.ReactivateToolRequest(name="upper"))
        found = await caller.get("upper")
        assert ("2.0-beta", "") == (found.version, found.deprecated)
        assert ["reactivated upper", "deprecated upper"] == (await kinds(caller))[:2]

    played(scenario)


def test_after_its_sunset_a_version_is_not_called_any_more() -> None:
    async def scenario(served: Served) -> None:
        caller, registry = admin(served), served.app.registry
        await caller.register(definition(version="1"), definition(version="2"))
        past, future = at(time.time() - 60), at(time.time() + 60)
        gone = pb.DeprecateToolRequest(name="upper", version="1", reason="use 2", sunset_time=past)
        [tool] = (await caller.call("DeprecateTool", gone)).tools
        assert past == tool.sunset_time

        with pytest.raises(ToolRetired, match=r"'upper' in version '1' is refused since 20.*use 2"):
            registry.find_callable("upper", "1")
        assert "2" == registry.find_callable("upper").version
        assert "1" == (await caller.get("upper", "1")).version

        later = pb.DeprecateToolRequest(name="upper", reason="none left", sunset_time=future)
        await caller.call("DeprecateTool", later)
        assert "2" == registry.find_callable("upper").version
        gone.version = ""
        await caller.call("DeprecateTool", gone)
        with pytest.raises(ToolRetired):
            registry.find_callable("upper")

    played(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"reason": ""}, id="no reason"),
        pytest.param({"reason": "x" * 257}, id="too long a reason"),
        pytest.param({"reason": "a\nb"}, id="a reason of two lines"),
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"sunset_time": Timestamp(seconds=-1)}, id="before there was time"),
    ],
)
def test_a_deprecation_is_checked(wrong: dict[str, Any]) -> None:
    async def scenario(served: Served) -> None:
        await admin(served).register(definition())
        request = pb.DeprecateToolRequest(**{"name": "upper", "reason": "old", **wrong})
        assert "INVALID_ARGUMENT" == (await admin(served).refused("DeprecateTool", request))[0]

    played(scenario)


def test_what_is_unregistered_is_gone_and_only_that() -> None:
    async def scenario(served: Served) -> None:
        caller = admin(served)
        await caller.register(definition(version="1"), definition(version="2"))
        request = pb.UnregisterToolRequest(name="upper", version="2")
        assert ["2"] == [
            tool.version for tool in (await caller.call("UnregisterTool", request)).tools
        ]
        assert ["upper 1"] == await caller.names()
        assert "NOT_FOUND" == (await caller.refused("UnregisterTool", request))[0]

    played(scenario)


def test_what_a_bundle_has_cannot_be_changed() -> None:
    async def scenario(served: Served) -> None:
        tool = {"name": "t", "description": "d", "parameters": {"type": "object"}}
        served.app.registry.replace("mine", {"tools": [tool]})
        request = pb.UnregisterToolRequest(name="t", scope=pb.TOOL_SCOPE_GLOBAL)
        assert "NOT_FOUND" == (await admin(served).refused("UnregisterTool", request))[0]

    played(scenario)


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        pytest.param({"maximum_own_tools": 3}, 3, id="of a principal"),
        pytest.param({"maximum_tools": 3}, 3, id="of all"),
    ],
)
def test_no_more_tools_than_there_may_be(settings: dict[str, int], most: int) -> None:
    async def scenario(served: Served) -> None:
        alice = served.caller("alice")
        answer = await alice.register(*(definition(f"t{index}") for index in range(5)))
        assert [[], [], [], ["TOO_MANY_TOOLS"], ["TOO_MANY_TOOLS"]] == answer
        assert most == len(await alice.names())

        await alice.call("UnregisterTool", pb.UnregisterToolRequest(name="t0"))
        assert [[]] == await alice.register(definition("t9"))
        if "maximum_own_tools" in settings:  # and it is his room alone
            assert [[]] == await served.caller("bob").register(definition("t0"))

    played(scenario, **settings)


def test_no_more_bytes_than_there_may_be() -> None:
    large = [definition(f"t{index}", env={"TEXT": "d" * 15_000}) for index in range(8)]

    async def scenario(served: Served) -> None:
        answer = await served.caller("alice").register(*large)
        refused = [each for each in answer if each]
        assert 0 < len(refused) < len(large)
        assert all(each == ["TOO_MANY_TOOLS"] for each in refused)

    played(scenario, maximum_own_bytes=128 * 1024)


def test_what_a_session_registered_goes_when_it_must_be_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody says when a session ends; what it leaves would take room for ever.
    """
    now = [1_000_000.0]
    monkeypatch.setattr(parts, "time", SimpleNamespace(time=lambda: now[0]))
    session = pb.TOOL_SCOPE_SESSION

    async def scenario(served: Served) -> None:
        alice = served.caller("alice", "toolcell:own_tools", "one")
        await alice.register(definition("old", scope=session), definition("mine", scope=2))
        now[0] += 61
        await alice.register(definition("new", scope=session))
        assert ["mine 1", "new 1"] == await alice.names()
        assert "unregistered old" in await kinds(alice)
        now[0] += 59
        await served.caller("bob").register(definition())
        assert ["mine 1", "new 1"] == await alice.names()

    async def later(served: Served) -> None:
        alice = served.caller("alice", "toolcell:own_tools", "one")
        assert ["mine 1", "new 1"] == await alice.names()
        now[0] += 2
        await served.caller("bob").register(definition("other"))
        assert ["mine 1"] == await alice.names()

    played(scenario, folder=str(tmp_path), session_seconds=60)
    played(later, folder=str(tmp_path), session_seconds=60)


def test_none_is_larger_than_it_may_be() -> None:
    async def scenario(served: Served) -> None:
        large = definition(env={"TEXT": "d" * 2000})
        assert [["DEFINITION_TOO_LARGE"]] == await admin(served).register(large)

    played(scenario, maximum_definition_bytes=1024)


def test_an_answer_fits_a_message_however_large_the_definitions() -> None:
    large = {
        "type": "object",
        "properties": {"text": {"type": "string", "description": "d" * 60_000}},
    }

    async def scenario(served: Served) -> None:
        many = [definition(f"t{index}", parameters=large) for index in range(100)]
        request = pb.RegisterToolsRequest(definitions=many)
        answer = await admin(served).call("RegisterTools", request)
        tools = [tool for each in answer.definitions for tool in each.tools]
        assert [f"t{index}" for index in range(100)] == [tool.name for tool in tools]
        assert tools[0].parameters_json
        assert not tools[99].parameters_json

    played(scenario)


def test_one_name_has_no_more_versions_than_can_be_looked_through() -> None:
    async def scenario(served: Served) -> None:
        many = [definition(version=str(index)) for index in range(MOST_VERSIONS + 1)]
        answer = await admin(served).register(*many)
        assert [["TOO_MANY_TOOLS"]] == [each for each in answer if each]

    played(scenario)


def test_a_server_that_comes_after_has_everything_as_it_was(tmp_path: Path) -> None:
    async def before(served: Served) -> list[pb.Tool]:
        caller = admin(served)
        await caller.register(definition(version="1"), definition(version="2"))
        await served.caller("alice").register(definition("note"))
        deprecate = pb.DeprecateToolRequest(
            name="upper", version="2", reason="old", sunset_time=at(time.time() + 9)
        )
        await caller.call("DeprecateTool", deprecate)
        listed = await served.caller("alice", "toolcell:own_tools,tools:*").call(
            "ListTools", pb.ListToolsRequest()
        )
        return list(listed.tools)

    async def after(served: Served) -> list[pb.Tool]:
        assert 4 == len(await kinds(admin(served)))
        assert [] == await served.caller("bob").names()
        listed = await served.caller("alice", "toolcell:own_tools,tools:*").call(
            "ListTools", pb.ListToolsRequest()
        )
        return list(listed.tools)

    was = played(before, folder=str(tmp_path))
    assert 3 == len(was)
    assert was == played(after, folder=str(tmp_path))


def test_what_no_longer_holds_is_broken_and_not_lost(tmp_path: Path) -> None:
    """
    A release that is stricter must not forget what somebody registered.
    """

    async def register(served: Served) -> None:
        await admin(served).register(definition("one"), definition("two"))

    async def look(served: Served) -> None:
        caller = admin(served)
        tool = await caller.get("one")
        assert pb.TOOL_STATE_BROKEN == tool.state
        assert "no longer holds" in tool.broken_reason
        assert "nothing" in tool.broken_reason
        assert pb.TOOL_STATE_AVAILABLE == (await caller.get("two")).state
        assert [[]] == await caller.register(definition("one"))  # what is broken may be mended
        assert pb.TOOL_STATE_AVAILABLE == (await caller.get("one")).state

    played(register, folder=str(tmp_path))
    manifest = {"name": "one", "description": "d", "parameters": {"type": "nothing"}}
    with sqlite3.connect(tmp_path / FILE) as file:
        changed = file.execute(
            "UPDATE registered_tools SET manifest = ? WHERE name = 'one'",
            (json.dumps(manifest).encode(),),
        )
        assert 1 == changed.rowcount
    file.close()
    played(look, folder=str(tmp_path))


def test_nothing_is_left_of_definitions_that_nobody_has(tmp_path: Path) -> None:
    async def scenario(served: Served) -> None:
        caller = admin(served)
        await caller.register(definition())
        await caller.register(definition(description="Another one."), replace=True)
        kept = "SELECT count(*) FROM registered_definitions"
        assert [(1,)] == served.app.database.query(kept)
        await caller.call("UnregisterTool", pb.UnregisterToolRequest(name="upper"))
        assert [(0,)] == served.app.database.query(kept)

    played(scenario, folder=str(tmp_path))


def test_history_tells_who_did_what_and_why_and_only_what_is_his_to_know() -> None:
    async def scenario(served: Served) -> None:
        alice, caller = served.caller("alice"), admin(served)
        await caller.register(definition())
        await alice.register(definition("note"))
        said = pb.DeprecateToolRequest(
            name="note", principal="alice", scope=pb.TOOL_SCOPE_PRINCIPAL, reason="it is stale"
        )
        await caller.call("DeprecateTool", said)

        listed = await alice.call("ListToolHistory", pb.ListToolHistoryRequest())
        assert [("note", "admin", "it is stale"), ("note", "alice", "")] == [
            (entry.name, entry.changed_by, entry.reason) for entry in listed.entries
        ]
        assert 3 == len(await kinds(caller))
        assert ["registered upper"] == await kinds(caller, name="upper")
        assert [] == await kinds(served.caller("bob"))
        refused = await served.caller("eve", "tools:*").refused(
            "ListToolHistory", pb.ListToolHistoryRequest()
        )
        assert "PERMISSION_DENIED" == refused[0]

    played(scenario)


def test_history_comes_in_pages_and_is_bounded() -> None:
    async def scenario(served: Served) -> None:
        caller = admin(served)
        for batch in range(2):
            await caller.register(*(definition(f"t{batch}x{index}") for index in range(75)))
        seen: list[str] = []
        request = pb.ListToolHistoryRequest(page_size=40)
        while True:
            page = await caller.call("ListToolHistory", request)
            seen += [entry.name for entry in page.entries]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token

        assert 100 == len(seen) == len(set(seen))
        assert "t1x74" == seen[0]

    played(scenario, maximum_history=100)


def test_whoever_changes_his_own_without_end_makes_nothing_of_others_forgotten() -> None:
    """
    Else a caller with the least of rights could hide what was done before.
    """

    async def scenario(served: Served) -> None:
        await admin(served).register(definition("of_everybody"))
        mallory = served.caller("mallory")
        await mallory.register(definition("mine"))
        for number in range(120):
            method = "ReactivateTool" if number % 2 else "DeprecateTool"
            why = {} if number % 2 else {"reason": "because"}
            request = getattr(pb, f"{method}Request")(name="mine", **why)
            await mallory.call(method, request)

        request = pb.ListToolHistoryRequest(page_size=1000)
        seen = (await admin(served).call("ListToolHistory", request)).entries

        assert "of_everybody" == seen[-1].name
        assert 25 == sum(entry.name == "mine" for entry in seen)

    played(scenario, maximum_history=100)


class Log:
    """
    An audit log that remembers, or fails.
    """

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.seen: list[tuple[str, str, Any]] = []

    def tool_changed(self, event: str, caller: Any, data: dict[str, Any]) -> None:
        if self.fails:
            raise OSError("no disk")
        self.seen.append((event, caller.name, data["tool"]["name"]))


def test_each_change_leaves_a_record() -> None:
    log = Log()

    async def scenario(served: Served) -> None:
        caller = admin(served)
        await caller.register(definition())
        await caller.call("DeprecateTool", pb.DeprecateToolRequest(name="upper", reason="old"))
        await caller.call("UnregisterTool", pb.UnregisterToolRequest(name="upper"))

        assert ["registered", "deprecated", "unregistered"] == [event for event, *_ in log.seen]
        assert {("admin", "upper")} == {(who, name) for _, who, name in log.seen}
        text = served.app.metrics.registry.get_sample_value
        assert 1 == text("toolcell_tool_changes_total", {"change": "deprecated"})

    played(scenario, auditing=log)


def test_what_cannot_be_recorded_is_not_done() -> None:
    async def scenario(served: Served) -> None:
        request = pb.RegisterToolsRequest(definitions=[definition()])
        assert "INTERNAL" == (await admin(served).refused("RegisterTools", request))[0]
        assert [] == await admin(served).names()
        assert [(0,)] == served.app.database.query("SELECT count(*) FROM registered_tools")

    played(scenario, auditing=Log(fails=True))
