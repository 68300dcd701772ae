"""
Ten thousand tools, many who register at once, and many who look: nobody ever sees half of anything.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from registering_server import ALL, Caller, Served, definition, played
from toolcell.v1 import registry_pb2 as pb
from toolcell_server.limits import Limits
from toolcell_server.scopes import GLOBAL
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from pathlib import Path

MANY = 10_000
BATCHES = 100  # of which each registers so many tools at once
BATCH = 2
LOOKUPS = 1000
MANIFEST = {"name": "tool", "description": "d", "parameters": {"type": "object"}}
UNLIMITED = {"maximum_tools": 100_000}


def fill(served: Served) -> None:
    """
    Have ten thousand tools, as quickly as that can be had.
    """
    one = Tool.from_manifest(MANIFEST, bundle="registered", defaults=Limits(), ceilings=Limits())
    for index in range(MANY):
        name = f"tool_{index:05}"
        served.app.registry.put(GLOBAL, name, [dataclasses.replace(one, name=name)])


def batch(number: int, revision: str) -> list[pb.ToolDefinition]:
    return [
        definition(f"a_{number:03}_{index}", description=f"revision {revision}")
        for index in range(BATCH)
    ]


def check_whole(tools: list[pb.Tool]) -> Counter[str]:
    """
    How many batches there are of each revision, each of them whole and of one revision.
    """
    seen: dict[str, list[str]] = defaultdict(list)
    for tool in tools:
        if tool.name.startswith("a_"):
            seen[tool.name[:5]].append(tool.description)
    for number, revisions in seen.items():
        assert BATCH == len(revisions), number
        assert 1 == len(set(revisions)), number
    return Counter(revisions[0] for revisions in seen.values())


async def look(caller: Caller, done: asyncio.Event) -> tuple[int, int]:
    """
    List and get until it is done: how many lookups that were, and how many lists saw some batches
    and not all.
    """
    lookups = between = 0
    request = pb.ListToolsRequest(page_size=BATCHES * BATCH)
    while not done.is_set() or lookups < LOOKUPS:
        listed = await caller.call("ListTools", request)
        between += any(0 < count < BATCHES for count in check_whole(list(listed.tools)).values())
        names = [f"tool_{random.randrange(MANY):05}" for _ in range(25)]  # any will do
        found = await asyncio.gather(*(caller.get(name) for name in names))
        assert names == [tool.name for tool in found]
        lookups += len(names)
    return lookups, between


def test_nobody_ever_sees_half_of_what_many_register_at_once(tmp_path: Path) -> None:
    async def scenario(served: Served) -> None:
        fill(served)
        done = asyncio.Event()
        looking = asyncio.create_task(look(served.caller("bob", "tools:*"), done))
        admin = served.caller("admin", ALL)
        for revision in ("1", "2"):
            how = {"all_or_nothing": True, "replace": revision == "2"}
            batches = (admin.register(*batch(at, revision), **how) for at in range(BATCHES))
            answers = await asyncio.gather(*batches)
            assert [[[]] * BATCH] * BATCHES == answers
        done.set()
        lookups, between = await looking

        assert lookups >= LOOKUPS
        assert between > 0  # or it would have looked at nothing but beginnings and ends
        listed = await admin.call("ListTools", pb.ListToolsRequest(page_size=1000))
        assert {"revision 2": BATCHES} == check_whole(list(listed.tools))
        rows = served.app.database.query("SELECT count(*) FROM registered_tools")
        assert [(BATCHES * BATCH,)] == rows

    played(scenario, folder=str(tmp_path), **UNLIMITED)


def test_of_many_who_want_one_name_one_has_it() -> None:
    async def scenario(served: Served) -> None:
        admin = served.caller("admin", ALL)
        answers = await asyncio.gather(
            *(admin.register(definition(description=f"Of {each}.")) for each in range(50))
        )
        assert 1 == answers.count([[]])
        assert 49 == answers.count([["ALREADY_REGISTERED"]])

    played(scenario)


def test_a_change_of_one_tool_touches_no_other() -> None:
    """
    With ten thousand, whatever looked at all of them would be a hundred times slower.
    """

    async def scenario(served: Served) -> None:
        fill(served)
        registry = served.app.registry
        touched: list[str] = []
        order = registry.offers.of

        def of(name: str) -> list[Tool]:
            touched.append(name)
            return order(name)  # type: ignore[no-any-return]

        registry.offers.of = of
        await served.caller("admin", ALL).register(definition())
        registry.replace("mine", {"tools": [MANIFEST]})

        assert ["upper", "tool"] == touched

    played(scenario, **UNLIMITED)
