"""
Hooks around an execution: what they refuse, withhold and change, and when they are not asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest
from hooking import hooks
from scripted_executor import (
    ScriptedExecutor,
    completed,
    execution,
    finished,
    kinds,
    lost,
    output,
    run,
    started,
)
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.endings import cancelled, failed
from toolcell_server.hooks.hooked import HookedExecutor
from toolcell_server.limits import Limits
from toolcell_server.principal import Principal
from toolcell_server.validation import Validation

if TYPE_CHECKING:
    from pathlib import Path

    from piping import Pipe
    from toolcell_server.execution import Execution

BEFORE, AFTER = "before_execution", "after_execution"


def ran(
    folder: Path,
    body: str,
    *events: Any,
    at: str = AFTER,
    one: Execution | None = None,
    **fields: Any,
) -> tuple[list[pb.ExecuteResponse], ScriptedExecutor]:
    """
    The events of an execution under the hook `hook` of a module.
    """
    base = ScriptedExecutor(*events)
    validation = Validation()

    async def scenario(executor: HookedExecutor) -> list[pb.ExecuteResponse]:
        try:
            return [event async for event in executor.execute(one or execution())]
        finally:
            await validation.aclose()

    with hooks(folder, body, ("hook", at, fields)) as found:
        return run(scenario(HookedExecutor(base, found, validation))), base


def ending(events: list[pb.ExecuteResponse]) -> pb.Finished:
    assert events[-1].HasField("finished")
    return events[-1].finished


def test_a_hook_that_says_nothing_changes_nothing(tmp_path: Path) -> None:
    """
    Every event goes by as it was.
    """
    script = [started(), output(b"x"), completed(b'{"a": 1}')]
    before, _ = ran(tmp_path, "def hook(call): pass", *script, at=BEFORE)
    after, _ = ran(tmp_path, "def hook(call, result): pass", *script)

    assert script == before == after


def test_a_veto_before_ends_it_and_nothing_runs(tmp_path: Path) -> None:
    """
    It is told as an ending, because the call has been accepted; and it was not the tool.
    """
    events, base = ran(tmp_path, "def hook(call): return Veto('not now')", completed(), at=BEFORE)
    outcome = ending(events).outcome

    assert base.begun == []
    assert outcome.failed.code == "VETOED"
    assert "not now" in outcome.message
    assert "nothing ran" in outcome.message
    assert not outcome.retryable


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError",
        "return call.with_arguments({'a': 1})",
        "import time; time.sleep(1)",
    ],
)
def test_a_hook_that_fails_before_loses_it_and_nothing_runs(body: str, tmp_path: Path) -> None:
    """
    Altering is failing there: the grant was made for the arguments that were admitted.
    """
    hook = f"def hook(call): {body}"
    events, base = ran(tmp_path, hook, completed(), at=BEFORE, timeout_seconds=0.1)
    outcome = ending(events).outcome

    assert base.begun == []
    assert outcome.lost.reason == pb.LOST_REASON_INTERNAL
    assert "nothing ran" in outcome.message
    assert outcome.retryable


def test_another_result_takes_the_place_of_the_tools_own(tmp_path: Path) -> None:
    """
    And its size.
    """
    body = "def hook(call, result): return result.with_result({'kept': result.result['a']})"
    events, _ = ran(tmp_path, body, completed(b'{"a":1,"secret":2}'))

    assert ending(events).result_json == b'{"kept":1}'
    assert ending(events).result_bytes == len(b'{"kept":1}')
    assert ending(events).outcome.HasField("completed")


WITHHELD: dict[str, tuple[str, str]] = {
    "a veto": ("return Veto('confidential')", "failed"),
    "an error": ("raise ValueError", "lost"),
    "no answer": ("import time; time.sleep(1)", "lost"),
    "no JSON": ("return result.with_result(object())", "lost"),
    "a result above the limit": ("return result.with_result('x' * 2000)", "lost"),
    "a result that nests too deeply": (
        "return result.with_result(eval('[' * 150 + ']' * 150))",
        "lost",
    ),
    "another outcome": ("return HookResult(outcome='failed')", "lost"),
    "nonsense": ("return True", "lost"),
}


@pytest.mark.parametrize("sentence", WITHHELD)
def test_a_result_is_withheld_by(sentence: str, tmp_path: Path) -> None:
    """
    Nobody gets it, and whoever called is not told to try again: the tool has run.
    """
    body, kind = WITHHELD[sentence]
    one = execution(limits=Limits(result_bytes=1000))
    hook = f"def hook(call, result): {body}"
    events, _ = ran(tmp_path, hook, started(), completed(b'"SECRET"'), one=one, timeout_seconds=0.1)
    end = ending(events)

    assert kind == end.outcome.WhichOneof("kind")
    assert (end.result_json, end.result_bytes) == (b"", 0)
    assert b"SECRET" not in end.SerializeToString()
    assert "the tool ran, and its result is withheld" in end.outcome.message
    assert not end.outcome.retryable


def test_a_failed_tool_gets_no_result_from_a_hook(tmp_path: Path) -> None:
    """
    What failed has failed; a hook sees it, and may veto what it says.
    """
    ended = finished(failed("ValueError", "bad", 1))
    seen = (
        "def hook(call, result):\n    assert (result.outcome, result.message) == ('failed', 'bad')"
    )
    for body in (seen, "def hook(call, result): return result"):
        events, _ = ran(tmp_path, body, ended)
        assert ending(events).outcome.failed.exception == "ValueError"

    events, _ = ran(tmp_path, "def hook(call, result): return result.with_result(1)", ended)
    assert ending(events).outcome.WhichOneof("kind") == "lost"


def test_a_hook_is_not_asked_about_what_was_cancelled(tmp_path: Path) -> None:
    """
    Whoever stops waits for the end, and gets no result anyhow.
    """
    ended = finished(cancelled(pb.CANCEL_REASON_REQUESTED))
    events, _ = ran(tmp_path, "def hook(call, result): raise ValueError", ended)

    assert ending(events).outcome.HasField("cancelled")


@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_a_stop_does_not_wait_for_a_hook(at: str, tmp_path: Path, pipe: Pipe) -> None:
    """
    It ends as cancelled, at once; the result of a hook that was asked too late is withheld.
    """
    body = f"""
        import asyncio, os

        async def hook(*given):
            os.write({pipe.writing}, b".")
            await asyncio.sleep(4)
        """
    one = execution()

    async def scenario(executor: HookedExecutor) -> list[pb.ExecuteResponse]:
        events = []

        async def read() -> None:
            events.extend([event async for event in executor.execute(one)])

        reading, was_asked = asyncio.create_task(read()), asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.reading, was_asked.set)
        await was_asked.wait()
        asyncio.get_running_loop().remove_reader(pipe.reading)
        assert not reading.done()
        one.stop.request(pb.CANCEL_REASON_REQUESTED)
        async with asyncio.timeout(1):
            await reading
        return events

    with hooks(tmp_path, body, ("hook", at, {"timeout_seconds": 5})) as found:
        executor = HookedExecutor(ScriptedExecutor(completed(b'"SECRET"')), found, Validation())
        events = run(scenario(executor))
    os.close(pipe.writing)

    assert kinds(events) == ["finished"]
    assert ending(events).outcome.cancelled.reason == pb.CANCEL_REASON_REQUESTED
    assert not ending(events).result_json


def test_several_hooks_see_what_the_one_before_made(tmp_path: Path) -> None:
    """
    In order; none after one that withheld.
    """
    body = """
        def first(call, result): return result.with_result([*result.result, 1])
        def second(call, result): return result.with_result([*result.result, 2])
        def no(call, result): return Veto("no")
        def never(call, result): raise AssertionError
        """
    orders = ("second", AFTER, {"order": 2}), ("first", AFTER, {"order": 1})

    async def scenario(executor: HookedExecutor) -> pb.Finished:
        return ending([event async for event in executor.execute(execution())])

    with hooks(tmp_path, body, *orders) as found:
        executor = HookedExecutor(ScriptedExecutor(completed(b"[0]")), found, Validation())
        assert run(scenario(executor)).result_json == b"[0,1,2]"
    with hooks(tmp_path, body, ("no", AFTER, {}), ("never", AFTER, {})) as found:
        executor = HookedExecutor(ScriptedExecutor(completed(b"[0]")), found, Validation())
        assert run(scenario(executor)).outcome.failed.code == "VETOED"


def test_what_a_hook_is_told(tmp_path: Path) -> None:
    """
    Who calls what, with what, and under which names it is found again.
    """
    body = """
        def hook(call):
            assert call == HookCall(
                tool="echo", version="1", arguments={}, principal="alice",
                roles=frozenset({"a"}), scopes=frozenset({"s"}), session="t", origin="unix:",
                call_id="c", request_id="r", labels={"k": "v"}, execution_id="e",
            ), call
        """
    alice = Principal(
        name="alice",
        roles=frozenset({"a"}),
        scopes=frozenset({"s"}),
        session="t",
        origin="unix:",
    )
    one = execution(caller=alice, call_id="c", request_id="r", labels={"k": "v"}, execution_id="e")
    events, _ = ran(tmp_path, body, completed(), at=BEFORE, one=one)

    assert ending(events).outcome.HasField("completed")


def test_the_executor_underneath_is_closed_with_it(tmp_path: Path) -> None:
    """
    Whoever leaves early must not leave a cell behind.
    """
    base = ScriptedExecutor(started(), completed())

    async def scenario(executor: HookedExecutor) -> None:
        async with contextlib.aclosing(executor.execute(execution())) as events:  # type: ignore[type-var]
            async for _ in events:
                break
        assert len(base.closed) == 1

    with hooks(tmp_path, "def hook(call, result): pass", ("hook", AFTER, {})) as found:
        run(scenario(HookedExecutor(base, found, Validation())))


def test_a_loss_underneath_is_not_hidden(tmp_path: Path) -> None:
    """
    It goes by as it is, and the hook sees it.
    """
    body = "def hook(call, result): assert result.outcome == 'lost'"
    events, _ = ran(tmp_path, body, lost(pb.LOST_REASON_ZYGOTE_DIED))

    assert ending(events).outcome.lost.reason == pb.LOST_REASON_ZYGOTE_DIED
