"""
Several callers of one service, with real cells: what one does is no other's, good or bad.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import repeating
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import settings
from toolcell_server.app import App
from toolcell_server.principal import Principal
from toolcell_server.refusals import CallRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

CALLS = frozenset({"tools:*"})
ALICE, BOB, MALLORY = (Principal(name=name, scopes=CALLS) for name in ("alice", "bob", "mallory"))


class Callers:
    """
    Calls by whoever it is, without a socket in between.
    """

    def __init__(self, app: App, admission: Any) -> None:
        self.app = app
        self._admission = admission

    async def run(self, who: Principal, tool: str, **arguments: Any) -> pb.Finished:
        data = json.dumps(arguments).encode()
        request = pb.RunRequest(tool=tool, arguments_json=data)
        record = self.app.executions.start(await self._admission.admit(request, None, who))
        await record.ended.wait()
        return record.finished()

    async def numbers(self, tool: str, value: Any, *callers: Principal) -> list[str]:
        found = [await self.run(who, tool, value=value) for who in callers]
        return [json.loads(each.result_json)["number"] for each in found]

    async def refused(self, who: Principal, tool: str, **arguments: Any) -> str:
        try:
            await self.run(who, tool, **arguments)
        except CallRefused as refusal:
            return refusal.reason
        return ""


def calling(folder: Path, scenario: Callable[[Callers], Awaitable[None]], more: str = "") -> None:
    file = folder / "settings.toml"
    file.write_text(repeating.settings(folder, more))

    async def whole() -> None:
        app = App(settings.read(str(file)))
        async with app.without_a_face() as admission:
            await scenario(Callers(app, admission))

    asyncio.run(whole())


def test_a_result_is_private_unless_its_tool_says_otherwise(tmp_path: Path) -> None:
    async def scenario(calls: Callers) -> None:
        alice, again, bob, bob_again = await calls.numbers("numbered", 1, ALICE, ALICE, BOB, BOB)
        assert (alice, bob) == (again, bob_again)
        assert alice != bob
        first, *others = await calls.numbers("numbered_for_all", 1, MALLORY, ALICE, BOB)
        assert [first, first] == others

    calling(tmp_path, scenario)


def test_a_greedy_caller_leaves_the_answers_of_others_in_the_cache(tmp_path: Path) -> None:
    """
    Of tools for all, too: an entry belongs to the caller whose call made it.
    """

    async def scenario(calls: Callers) -> None:
        (alices,) = await calls.numbers("numbered", "alice's", ALICE)
        (bobs,) = await calls.numbers("numbered_for_all", "bob's", BOB)
        for number in range(20):
            await calls.run(MALLORY, "numbered", value=number)
            await calls.run(MALLORY, "numbered_for_all", value=number)
        assert [alices] == await calls.numbers("numbered", "alice's", ALICE)
        assert [bobs] == await calls.numbers("numbered_for_all", "bob's", BOB)
        assert not (await calls.run(MALLORY, "numbered", value=0)).cached  # they were driven out

    calling(tmp_path, scenario, "[cache]\nentries = 6")


def test_a_hostile_caller_closes_a_tool_to_himself_alone(tmp_path: Path) -> None:
    down, up = tmp_path / "down", tmp_path / "up"
    repeating.say(down, "down")
    repeating.say(up, "up")

    async def scenario(calls: Callers) -> None:
        for _ in range(3):
            await calls.run(MALLORY, "troubled", path=str(down))
        assert "TOOL_UNAVAILABLE" == await calls.refused(MALLORY, "troubled", path=str(up))
        ended = await calls.run(ALICE, "troubled", path=str(up))
        assert ended.outcome.HasField("completed")

    calling(tmp_path, scenario)


def test_what_several_callers_meet_closes_a_tool_to_all(tmp_path: Path) -> None:
    down = tmp_path / "down"
    repeating.say(down, "down")

    async def scenario(calls: Callers) -> None:
        for who in (MALLORY, BOB, BOB):
            await calls.run(who, "troubled", path=str(down))
        assert "TOOL_UNAVAILABLE" == await calls.refused(ALICE, "troubled", path=str(down))

    calling(tmp_path, scenario, "")


def test_answers_from_the_cache_leave_no_place_taken(tmp_path: Path) -> None:
    async def scenario(calls: Callers) -> None:
        await calls.run(ALICE, "numbered", value=1)
        answers = await asyncio.gather(*(calls.run(ALICE, "numbered", value=1) for _ in range(30)))
        assert {True} == {answer.cached for answer in answers}
        if tasks := calls.app.executions._tasks:  # the one that ran takes its cell to pieces
            await asyncio.wait(tasks, timeout=5)
        assert 0 == calls.app.capacity.running

    calling(tmp_path, scenario)
