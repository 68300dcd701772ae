"""
Streams of changes: what there is, what changes, and what a slow reader has missed.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from registering_server import ALL, OWN, Caller, Served, definition, played
from toolcell.v1 import registry_pb2 as pb
from toolcell_server.principal import Principal
from toolcell_server.registering import watching
from toolcell_server.registering.tokens import Tokens
from toolcell_server.shelves.changes import MOST_KEPT
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECONDS = 10 * PATIENCE


class Watch:
    """
    A stream of WatchTools, read with a deadline.
    """

    def __init__(self, call: Any) -> None:
        self.call = call

    async def next(self) -> pb.WatchToolsResponse:
        async with asyncio.timeout(SECONDS):
            told = await self.call.read()
        assert isinstance(told, pb.WatchToolsResponse), "the stream has ended"
        return told

    async def change(self) -> str:
        change = (await self.next()).change
        kind = pb.ToolChangeKind.Name(change.kind).removeprefix("TOOL_CHANGE_KIND_").lower()
        return f"{kind} {change.tool.name} {change.tool.version}"


@contextlib.asynccontextmanager
async def watch(caller: Caller, token: str = "") -> AsyncIterator[Watch]:
    call = caller.call("WatchTools", pb.WatchToolsRequest(resume_token=token))
    try:
        yield Watch(call)
    finally:
        call.cancel()


def test_it_begins_with_what_there_is_and_goes_on_with_what_changes() -> None:
    async def scenario(served: Served) -> None:
        admin = served.caller("admin", ALL)
        await admin.register(definition("one"))
        async with watch(served.caller("bob", "tools:*")) as seen:
            snapshot = (await seen.next()).snapshot
            assert (["one"], True, True) == (
                [tool.name for tool in snapshot.tools], snapshot.first, snapshot.last,
            )  # fmt: skip
            await admin.register(definition("two"))
            await admin.register(definition("two", description="Other."), replace=True)
            await admin.call("DeprecateTool", pb.DeprecateToolRequest(name="two", reason="old"))
            await admin.call("ReactivateTool", pb.ReactivateToolRequest(name="two"))
            await admin.call("UnregisterTool", pb.UnregisterToolRequest(name="two"))
            served.app.registry.replace("mine", {"broken": [{"name": "three", "reason": "bad"}]})

            assert [
                "registered two 1",
                "replaced two 1",
                "deprecated two 1",
                "reactivated two 1",
                "unregistered two 1",
                "broken three ",
            ] == [await seen.change() for _ in range(6)]

    played(scenario)


def test_a_reload_that_changes_nothing_is_no_change() -> None:
    tool = {"name": "t", "description": "d", "parameters": {"type": "object"}}

    async def scenario(served: Served) -> None:
        registry = served.app.registry
        registry.replace("mine", {"tools": [tool]})
        last = registry.changes.last
        registry.replace("mine", {"tools": [tool]})
        assert (1, last) == (last, registry.changes.last)

    played(scenario)


def test_a_token_goes_on_where_the_stream_was_left() -> None:
    async def scenario(served: Served) -> None:
        admin = served.caller("admin", ALL)
        async with watch(admin) as seen:
            token = (await seen.next()).resume_token
        await admin.register(definition("one"))
        async with watch(admin, token) as seen:
            told = await seen.next()
            assert "one" == told.change.tool.name
        await admin.register(definition("two"))
        async with watch(admin, told.resume_token) as seen:
            assert "registered two 1" == await seen.change()

    played(scenario)


@pytest.mark.parametrize(
    "token", ["nonsense", "é", Tokens().sealed(1), "A" * 48], ids=["words", "é", "foreign", "zeros"]
)
def test_a_token_that_opens_nothing_begins_anew_and_says_so(token: str) -> None:
    async def scenario(served: Served) -> None:
        async with watch(served.caller("admin", ALL), token) as seen:
            assert (await seen.next()).HasField("missed")
            assert (await seen.next()).snapshot.last

    played(scenario)


def test_nobody_hears_of_what_is_not_his() -> None:
    """
    The control is Alice, who hears of it; the order says that Bob would have heard before.
    """

    async def scenario(served: Served) -> None:
        admin, alice = served.caller("admin", ALL), served.caller("alice", f"{OWN},tools:*")
        bob = served.caller("bob", f"{OWN},tools:other*")
        async with watch(alice) as hers, watch(bob) as his:
            await hers.next(), await his.next()
            await alice.register(definition("payroll"))
            await admin.register(definition("deploy"))
            await admin.register(definition("other"))

            assert "registered payroll 1" == await hers.change()
            assert "registered deploy 1" == await hers.change()
            assert "registered other 1" == await his.change()

    played(scenario)


def test_what_is_no_longer_his_to_call_has_gone_for_him() -> None:
    async def scenario(served: Served) -> None:
        admin = served.caller("admin", ALL)
        async with watch(served.caller("bob", "tools:category:safe")) as his:
            await his.next()
            await admin.register(definition("one", category="safe"))
            await admin.register(definition("one", category="unsafe"), replace=True)
            await admin.register(definition("one", category="safe", version="2"))
            await admin.register(definition("one", category="safe"), replace=True)

            assert [
                "registered one 1",
                "unregistered one 1",
                "registered one 2",
                "registered one 1",
            ] == [await his.change() for _ in range(4)]

    played(scenario)


def test_a_token_says_nothing_of_how_much_has_happened() -> None:
    tokens = Tokens()
    one, again, other = tokens.sealed(7), tokens.sealed(7), tokens.sealed(8)

    assert (7, 7, 8) == (tokens.opened(one), tokens.opened(again), tokens.opened(other))
    assert one != again
    assert len(one) == len(tokens.sealed(2**40))
    assert all(tokens.opened(one[:i] + "A" + one[i + 1 :]) in (None, 7) for i in range(len(one)))


def test_a_reader_that_is_too_slow_is_told_and_begins_anew() -> None:
    """
    Nothing is kept for it: what it has not read is not there any more.
    """
    tool = {"description": "d", "parameters": {"type": "object"}}

    async def scenario(served: Served) -> None:
        app = served.app
        stream = watching.Watching(app.tools, app.registry.changes).watch(
            "", Principal(name="bob", scopes=frozenset({"tools:*"}))
        )
        assert (await anext(stream)).snapshot.last
        for index in range(MOST_KEPT + 1):
            app.registry.replace("mine", {"tools": [{**tool, "name": f"t{index}"}]})
        assert (await anext(stream)).HasField("missed")
        snapshot = (await anext(stream)).snapshot
        assert [f"t{MOST_KEPT}"] == [each.name for each in snapshot.tools]
        app.registry.replace("mine", {"tools": []})
        assert (await anext(stream)).change.kind == pb.TOOL_CHANGE_KIND_UNREGISTERED
        await stream.aclose()

    played(scenario)


def test_a_snapshot_comes_in_parts_that_fit_messages() -> None:
    async def scenario(served: Served) -> None:
        text = {"type": "string", "description": "d" * 16_000}
        large = {"type": "object", "properties": {"text": text}}
        for batch in range(2):
            names = (f"t{batch}x{index}" for index in range(70))
            await served.caller("admin", ALL).register(
                *(definition(name, parameters=large) for name in names)
            )
        parts: list[pb.WatchToolsResponse] = []
        async with watch(served.caller("admin", ALL)) as seen:
            while not (parts and parts[-1].snapshot.last):
                parts.append(await seen.next())

        assert 140 == sum(len(part.snapshot.tools) for part in parts)
        assert [True, *([False] * (len(parts) - 1))] == [part.snapshot.first for part in parts]
        assert [False] * (len(parts) - 1) == [bool(part.resume_token) for part in parts[:-1]]
        assert len(parts) > 2

    played(scenario)


def test_no_more_streams_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_OF_ONE", 2)

    async def scenario(served: Served) -> None:
        alice, bob = served.caller("alice", "tools:*"), served.caller("bob", "tools:*")
        gauge = served.app.metrics.registry.get_sample_value
        async with watch(alice) as first, watch(bob) as another:
            async with watch(alice) as second:
                await first.next(), await second.next(), await another.next()
                refused = await alice.refused_watch()
                assert ("RESOURCE_EXHAUSTED", "TOO_MANY_WATCHERS") == refused
                assert 3 == gauge("toolcell_tool_watchers")
            async with asyncio.timeout(SECONDS):
                while gauge("toolcell_tool_watchers") != 2:  # noqa: ASYNC110  # no event tells
                    await asyncio.sleep(0)
            async with watch(alice) as third:
                await third.next()

    played(scenario)


def test_the_end_of_the_server_ends_streams_in_good_order() -> None:
    async def scenario(served: Served) -> None:
        async with watch(served.caller("admin", ALL)) as seen:
            await seen.next()
            served.app.registry.changes.close()
            async with asyncio.timeout(SECONDS):
                assert "OK" == (await seen.call.code()).name

    played(scenario)
