"""
Which executions are answered from the cache, and which endings are kept in it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import ScriptedExecutor, completed, execution, finished, output, started
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.caching.cache import Cache
from toolcell_server.caching.cached import CachedExecutor
from toolcell_server.endings import cancelled
from toolcell_server.grants import Grant, OpenedMount, PathGrant
from toolcell_server.limits import Limits
from toolcell_server.metrics import Metrics

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.execution import Execution

DENIED = pb.ExecuteResponse(denied=pb.Denied(operation="open", reason="not_granted"))
PARTIAL = pb.ExecuteResponse(partial=pb.Partial(value_json=b"1"))


class Cached:
    """
    A cached executor whose clock is the test's.
    """

    def __init__(self, *events: pb.ExecuteResponse, longest_seconds: float = 1e6) -> None:
        self.now = 1000.0
        self.base = ScriptedExecutor(*events)
        self.unused: list[str] = []
        self.metrics = Metrics().cache
        self.executor = CachedExecutor(
            base=self.base,
            cache=Cache(10, 2**20, self.metrics.dropped),
            metrics=self.metrics,
            unused=self.unused.append,
            longest_seconds=longest_seconds,
            clock=lambda: self.now,
        )

    def run(self, call: Execution) -> list[pb.ExecuteResponse]:
        async def whole() -> list[pb.ExecuteResponse]:
            return [event async for event in self.executor.execute(call)]

        return asyncio.run(whole())

    def hit(self, call: Execution) -> bool:
        return self.run(call)[-1].finished.cached


def call(
    *, ttl: float = 60.0, effects: str = "read_only", scope: str = "private", **fields: Any
) -> Execution:
    made = execution(effects=effects, **fields)
    tool = dataclasses.replace(TOOL, effects=effects, cache_ttl_seconds=ttl, cache_scope=scope)
    return dataclasses.replace(made, tool=TOOLS.setdefault((effects, ttl, scope), tool))


TOOL = execution().tool
TOOLS: dict[tuple[str, float, str], Any] = {}  # one object each, as the registry has them


def test_what_completed_is_answered_again_without_running() -> None:
    cached = Cached(started(), output(b"words"), completed(b"7"))
    first, second = cached.run(call()), cached.run(call())

    assert ["started", "output", "finished"] == [event.WhichOneof("event") for event in first]
    assert ["finished"] == [event.WhichOneof("event") for event in second]
    assert (b"7", True) == (second[0].finished.result_json, second[0].finished.cached)
    assert 1 == len(cached.base.begun)


def test_an_answer_gives_back_at_once_what_the_call_held() -> None:
    """
    And the time that it held it says nothing of how long places are kept.
    """
    cached = Cached(completed())
    cached.run(call())
    given_back: list[str] = []
    again = call(execution_id="again")
    again.resources.callback(given_back.append, "place")
    cached.run(again)

    assert ["place"] == given_back
    assert ["again"] == cached.unused


@pytest.mark.parametrize(
    "events",
    [
        [finished(pb.Outcome(failed=pb.Failed()))],
        [finished(cancelled(None))],
        [finished(pb.Outcome(lost=pb.Lost()))],
        [DENIED, completed()],
        [PARTIAL, completed()],
        [finished(pb.Outcome(completed=pb.Completed(), denials=[pb.Denied()]))],
        [
            pb.ExecuteResponse(
                finished=pb.Finished(outcome=pb.Outcome(completed=pb.Completed()), truncated=True)
            )
        ],
    ],
    ids=["failed", "cancelled", "lost", "denied", "partial", "denials", "truncated"],
)
def test_nothing_else_is_kept(events: list[pb.ExecuteResponse]) -> None:
    """
    A failure passes, a denial belongs to one call, and half an answer is none.
    """
    cached = Cached(*events)
    cached.run(call())
    cached.run(call())

    assert 2 == len(cached.base.begun)
    assert [] == cached.unused


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: call(effects="writes"), id="a tool that writes"),
        pytest.param(lambda: call(ttl=0), id="a tool that does not ask for it"),
        pytest.param(lambda: call(principal="mallory"), id="another caller"),
        pytest.param(lambda: call(no_cache=True), id="no_cache"),
        pytest.param(
            lambda: dataclasses.replace(call(), arguments=b'{"a":"%s"}' % (b"x" * 2**16)),
            id="large arguments",
        ),
    ],
)
def test_who_is_not_answered_from_the_cache(other: Any) -> None:
    """
    The manifest of a tool that writes is refused when it is loaded; here it is refused once more.
    """
    cached = Cached(completed(b"7"))
    for _ in range(2):
        cached.run(call())

    assert not cached.hit(other())


@pytest.mark.parametrize(
    "made", [{"effects": "writes"}, {"ttl": 0}], ids=["a tool that writes", "one that does not ask"]
)
def test_what_runs_each_time(made: dict[str, Any]) -> None:
    cached = Cached(completed(b"7"))

    assert [False] * 3 == [cached.hit(call(**made)) for _ in range(3)]


def test_everybody_is_answered_by_a_public_tool() -> None:
    cached = Cached(completed())
    cached.run(call(scope="public", principal="alice"))

    assert cached.hit(call(scope="public", principal="mallory"))


@pytest.mark.parametrize(("left", "kept"), [(29.9, False), (30.0, True), (None, True)])
def test_nobody_is_answered_with_what_another_was_in_a_hurry_for(
    left: float | None, kept: bool
) -> None:
    """
    A tool may make do with the time that it is left; its caller fools himself alone.
    """
    cached = Cached(started(), completed())
    deadline = None if left is None else cached.now + left
    cached.run(call(scope="public", principal="mallory", deadline=deadline))
    cached.run(call(principal="mallory", deadline=deadline))

    assert kept is cached.hit(call(scope="public", principal="alice"))
    assert cached.hit(call(principal="mallory"))


def test_a_call_that_wants_it_fresh_makes_it_fresh_for_others() -> None:
    cached = Cached()
    for number, made in enumerate([call(), call(no_cache=True), call()]):
        cached.base.always = (completed(b"%d" % number),)
        last = cached.run(made)

    assert (b"1", True) == (last[0].finished.result_json, last[0].finished.cached)


def test_the_age_of_an_answer_counts_from_before_its_run() -> None:
    cached = Cached(completed())

    async def slow() -> None:
        async for event in cached.executor.execute(call(ttl=60)):
            cached.now += 59
            assert event.HasField("finished")

    asyncio.run(slow())
    cached.now = 1059.9
    assert cached.hit(call(ttl=60))
    cached.now = 1060.0
    assert not cached.hit(call(ttl=60))


def test_the_operator_bounds_what_a_tool_asks_for() -> None:
    cached = Cached(completed(), longest_seconds=5)
    cached.run(call(ttl=60))
    cached.now += 5

    assert not cached.hit(call(ttl=60))


def test_another_loaded_tool_of_that_name_and_version_is_asked_itself() -> None:
    cached = Cached(completed())
    cached.run(call())
    reloaded = dataclasses.replace(call(), tool=dataclasses.replace(call().tool))

    assert not cached.hit(reloaded)


def test_an_execution_that_is_asked_to_stop_is_not_answered() -> None:
    cached = Cached(completed())
    cached.run(call())
    stopped = call()
    stopped.stop.request(pb.CANCEL_REASON_REQUESTED)

    assert not cached.hit(stopped)


@pytest.mark.parametrize("changes", [False, True])
def test_what_was_changed_while_the_tool_read_it_is_not_kept(tmp_path: Path, changes: bool) -> None:
    """
    Nobody knows which of the two it has read.
    """
    file = tmp_path / "file"
    file.write_text("before")
    path = PathGrant(path=str(file), access=pb.PATH_ACCESS_READ, root="/", real_root="/")
    mount = OpenedMount(path=path, directory=False, descriptor=os.open(file, os.O_PATH))
    made = call(grant=Grant(limits=Limits(), paths=(path,), mounts=(mount,)))
    made.resources.callback(os.close, mount.descriptor)
    cached = Cached(started(), completed())
    cached.executor = dataclasses.replace(cached.executor, file_clock=lambda: time.time_ns() * 2)

    async def reading() -> None:
        async for event in cached.executor.execute(made):
            if event.HasField("started") and changes:
                file.write_text("after, and longer")

    asyncio.run(reading())
    assert (0 if changes else 1) == len(cached.executor.cache)
    made.close()


def test_what_was_found_is_counted() -> None:
    cached = Cached(completed())
    for _ in range(3):
        cached.run(call())
    cached.now += 60
    cached.run(call())

    counts = {word: counter._value.get() for word, counter in cached.metrics.looked_up.items()}
    assert {"hit": 2, "miss": 1, "stale": 1} == counts
