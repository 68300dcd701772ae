"""
Workflows from both clients, against a real server and real cells.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import workflow_pb2 as pb
from toolcell_client import AsyncClient, CallRefused, Client
from toolcell_client.errors import (
    InvalidWorkflow,
    UnknownWorkflow,
    UnknownWorkflowRun,
    WorkflowNotInterrupted,
)
from waiting import wait_until
from working import Working

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUNDS = """
[workflows]
items = 5
executions = 8
runs = 3
result_bytes = 1000
definitions = 6
"""


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Working]:
    one = Working(tmp_path_factory.mktemp("working"), BOUNDS)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def client(working: Working) -> Iterator[Client]:
    with working.start() as one:
        yield one


@pytest.fixture(autouse=True)
def _empty(working: Working) -> None:
    working.lines.write_text("")


def same(name: str, value: Any, *needs: str, **more: Any) -> dict[str, Any]:
    arguments = {"value": value}
    return {"name": name, "tool": "same", "arguments": arguments, "needs": list(needs), **more}


def bad(name: str = "bad", *needs: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "tool": "fail", "needs": list(needs), **more}


def kinds(events: list[pb.RunWorkflowResponse], step: str) -> list[str]:
    return [str(each.WhichOneof("event")) for each in events if each.step == step]


def finished(events: list[pb.RunWorkflowResponse], step: str) -> pb.StepFinished:
    *_, last = (each for each in events if each.step == step and each.HasField("step_finished"))
    return last.step_finished


def test_values_keep_their_type_through_templates(client: Client) -> None:
    value = {"list": [1, 2.5, None, True], "text": "{{inputs}}"}
    definition = {
        "steps": [same("a", "{{inputs.value}}"), same("b", "is {{a.list}} {{a.text}}", "a")],
        "outputs": {"a": "{{a}}", "b": "{{b}}", "mixed": ["{{a.list[1]}}", {"x": "{{b}}"}]},
    }
    outputs = client.workflows.run(definition, {"value": value}).result().outputs

    assert value == outputs["a"]
    assert "is [1,2.5,null,true] {{inputs}}" == outputs["b"]
    assert [2.5, {"x": outputs["b"]}] == outputs["mixed"]


def test_events_are_in_order_and_tagged_by_step(client: Client) -> None:
    definition = {"steps": [same("a", 1), same("b", "{{a}}", "a")]}
    events = list(client.workflows.run(definition))
    kept = [each.sequence for each in events if each.sequence]

    assert list(range(1, len(kept) + 1)) == kept
    assert "accepted" == events[0].WhichOneof("event")
    assert ["a", "b"] == [each.name for each in events[0].accepted.steps]
    assert "finished" == events[-1].WhichOneof("event")
    for step in "ab":
        told = kinds(events, step)
        assert ("step_started", "step_finished") == (told[0], told[-1])
        assert {"execution"} == set(told[1:-1])
    order = [each.step for each in events if each.step]
    assert order == sorted(order)


def test_a_condition_that_does_not_hold_skips_and_gives_null(client: Client) -> None:
    definition = {
        "steps": [same("a", 1), same("b", 2, "a", when="a > `1`"), same("c", "{{b}}", "b")],
        "outputs": {"c": "{{c}}", "states": "{{states}}"},
    }
    outputs = client.workflows.run(definition).result().outputs

    assert {"a": "completed", "b": "skipped", "c": "completed"} == outputs["states"]
    assert outputs["c"] is None


def test_a_failed_step_stops_what_comes_after_it(client: Client, working: Working) -> None:
    definition = {"steps": [bad(), working.step("after", needs=["bad"])]}
    result = client.workflows.run(definition).result()

    assert ("failed", "bad") == (result.state, result.step)
    assert not working.counted()


def test_a_failure_that_may_be_is_seen_by_conditions(client: Client) -> None:
    definition = {
        "steps": [
            bad(on_failure="continue"),
            same("after", "{{states.bad}}", "bad", when="states.bad == 'failed'"),
        ],
        "outputs": {"after": "{{after}}"},
    }
    result = client.workflows.run(definition).result()

    assert result.ok
    assert {"after": "failed"} == result.outputs


def test_a_fallback_runs_when_all_attempts_have_failed(client: Client) -> None:
    fallback = {"tool": "same", "arguments": {"value": "instead"}}
    retry = {"attempts": 2, "delay": 0}
    definition = {"steps": [bad(retry=retry, fallback=fallback)], "outputs": {"x": "{{bad}}"}}
    stream = client.workflows.run(definition)
    events = list(stream)
    started = [each.step_started for each in events if each.HasField("step_started")]

    assert {"x": "instead"} == stream.result().outputs
    assert [("fail", False), ("fail", False), ("same", True)] == [
        (each.tool, each.fallback) for each in started
    ]
    assert 3 == len({each.request_id for each in started})


def test_only_what_may_run_twice_is_tried_again_after_it_ran(
    client: Client, working: Working
) -> None:
    retry = {"attempts": 4, "delay": 0}
    arguments = {"path": str(working.lines), "count": 2}
    step = {"name": "a", "tool": "fail_until", "arguments": arguments, "retry": retry}
    assert client.workflows.run({"steps": [step]}).result().ok
    assert 3 == working.counted()["tried"]

    missing = {"path": f"{working.lines}-gone", "line": "x"}
    once = {"name": "a", "tool": "append", "arguments": missing, "retry": retry}
    events = list(client.workflows.run({"steps": [once]}))
    assert "step_retrying" not in kinds(events, "a")


def test_a_loop_runs_each_item_and_gives_a_list(client: Client, working: Working) -> None:
    step = working.step("each", for_each="{{inputs.list}}", parallel=1)
    step["arguments"]["line"] = "{{index}}:{{item}}"
    definition = {"steps": [step], "outputs": {"lines": "{{each[].line}}"}}
    result = client.workflows.run(definition, {"list": ["a", "b"]}).result()

    assert {"lines": ["0:a", "1:b"]} == result.outputs
    assert ["0:a", "1:b"] == working.lines.read_text().split()


@pytest.mark.parametrize(
    ("inputs", "code"),
    [({"list": list(range(6))}, "TOO_MANY_ITEMS"), ({"list": "text"}, "NO_LIST"), ({}, "NO_LIST")],
)
def test_a_loop_over_what_is_no_list_fails_by_name(
    client: Client, inputs: dict[str, Any], code: str
) -> None:
    definition = {"steps": [same("each", "{{item}}", for_each="{{inputs.list}}")]}
    events = list(client.workflows.run(definition, inputs))

    assert code == finished(events, "each").problem.code


def test_a_run_makes_only_so_many_calls(client: Client) -> None:
    steps = [same(f"s{n}", "{{item}}", for_each=[1, 2, 3, 4]) for n in range(3)]
    for before, step in itertools.pairwise(steps):
        step["needs"] = [before["name"]]
    events = list(client.workflows.run({"steps": steps}))

    assert 8 == sum(each.HasField("step_started") for each in events)
    assert "failed" == client.workflows.watch(events[0].run_id).result().state


def test_failed_items_fail_the_loop_and_are_null_if_they_may(client: Client) -> None:
    step = {
        "name": "each",
        "tool": "split",
        "arguments": {"text": "{{item}}"},
        "for_each": ["a b", 1, "c"],
        "on_failure": "continue",
    }
    definition = {"steps": [step], "outputs": {"x": "{{each}}", "s": "{{states.each}}"}}
    outputs = client.workflows.run(definition).result().outputs

    assert {"x": [["a", "b"], None, ["c"]], "s": "failed"} == outputs


def test_completed_steps_are_compensated_the_last_one_first(
    client: Client, working: Working
) -> None:
    def undone(name: str, *needs: str, **more: Any) -> dict[str, Any]:
        line = f"un{{{{{name}.line}}}}"
        undo = {"tool": "append", "arguments": {"path": str(working.lines), "line": line}}
        return working.step(name, compensate=undo, needs=list(needs), **more)

    looped = undone("c", "b", for_each=["x", "y"], parallel=1)
    looped["arguments"]["line"] = "c{{item}}"
    last = bad("bad", "c", on_failure="compensate")
    events = list(client.workflows.run({"steps": [undone("a"), undone("b", "a"), looped, last]}))

    assert ["a", "b", "cx", "cy", "uncy", "uncx", "unb", "una"] == working.lines.read_text().split()
    assert pb.WORKFLOW_RUN_STATE_FAILED == events[-1].finished.state
    why = finished(events, "bad").outcome.message
    assert f"the step bad failed: {why}" == events[-1].finished.message
    assert [] == list(events[-1].finished.not_compensated)


def test_a_compensation_that_fails_is_told_and_the_others_go_on(
    client: Client, working: Working
) -> None:
    undo = {"tool": "append", "arguments": {"path": str(working.lines), "line": "una"}}
    steps = [
        working.step("a", compensate=undo),
        working.step("b", needs=["a"], compensate={"tool": "fail"}),
        bad("bad", "b", on_failure="compensate"),
    ]
    result = client.workflows.run({"steps": steps}).result()

    assert ("b",) == result.not_compensated
    assert 1 == working.counted()["una"]


def test_a_result_that_is_too_large_is_left_out_and_told_to_who_asks(client: Client) -> None:
    large = same("a", "{{inputs.x}}")
    inputs = {"x": "x" * 2000}
    result = client.workflows.run({"steps": [large, same("b", 1, "a")]}, inputs).result()
    assert result.ok

    events = list(client.workflows.run({"steps": [large, same("b", "{{a}}", "a")]}, inputs))
    assert finished(events, "a").result_left_out
    assert "RESULT_LEFT_OUT" == finished(events, "b").problem.code


def test_a_run_that_takes_too_long_is_ended(client: Client, working: Working) -> None:
    step = working.step("slow")
    step["arguments"]["after"] = 20
    result = client.workflows.run({"steps": [step], "timeout": 1.5}).result()

    assert "failed" == result.state
    assert "longer" in result.message
    assert not list(client.list_executions(state="running"))


def test_a_cancelled_run_ends_what_executes_and_begins_no_more(
    client: Client, working: Working
) -> None:
    step = working.step("slow")
    step["arguments"]["after"] = 20
    stream = client.workflows.run({"steps": [step, working.step("after", needs=["slow"])]})
    while not working.counted():
        next(stream)
    cancelled = client.workflows.cancel(stream.run_id)

    assert pb.WORKFLOW_RUN_STATE_CANCELLED == cancelled.state
    assert "cancelled" == stream.result().state
    assert cancelled == client.workflows.cancel(stream.run_id)
    assert not list(client.list_executions(state="running"))
    assert {"slow": 1} == dict(working.counted())


def test_a_run_goes_on_without_its_reader_and_can_be_watched_again(
    client: Client, working: Working
) -> None:
    step = working.step("slow")
    step["arguments"]["after"] = 1
    with client.workflows.run({"steps": [step, working.step("b", needs=["slow"])]}) as stream:
        next(stream)
    wait_until(lambda: client.workflows.get_run(stream.run_id).state == 2)
    again = list(client.workflows.watch(stream.run_id, 3))

    assert {"slow": 1, "b": 1} == dict(working.counted())
    assert 4 == again[0].sequence
    assert again[-1].HasField("finished")


def test_the_same_request_id_follows_the_first_run(client: Client, working: Working) -> None:
    definition = {"steps": [working.step("a")]}
    first = client.workflows.run(definition, request_id="only-once").result()
    again = client.workflows.run(definition, request_id="only-once").result()

    assert first == again
    assert 1 == working.counted()["a"]
    with pytest.raises(CallRefused) as refused:
        client.workflows.run(definition, {"other": 1}, request_id="only-once").result()
    assert "REQUEST_ID_REUSED" == refused.value.reason


def test_a_principal_has_only_so_many_runs(client: Client, working: Working) -> None:
    step = working.step("slow")
    step["arguments"]["after"] = 20
    streams = [client.workflows.run({"steps": [step]}) for _ in range(3)]
    for each in streams:
        next(each)
    with pytest.raises(CallRefused) as refused:
        client.workflows.run({"steps": [step]}).result()
    for each in streams:
        each.cancel()

    assert "TOO_MANY_WORKFLOWS" == refused.value.reason


def test_definitions_have_versions_and_a_history(client: Client) -> None:
    first, second = ({"name": "kept", "steps": [same("a", n)]} for n in (1, 2))
    assert [1, 1, 2] == [client.workflows.define(each).version for each in (first, first, second)]
    assert ["kept"] == [each.name for each in client.workflows.list()]
    assert client.workflows.run("kept", version=1).result().ok
    client.workflows.delete("kept")

    assert [] == list(client.workflows.list())
    for call in (client.workflows.get, client.workflows.delete):
        with pytest.raises(UnknownWorkflow):
            call("kept")
    with pytest.raises(UnknownWorkflow):
        client.workflows.run("kept", version=1).result()
    assert client.workflows.get("kept", 1).HasField("deleted_time")
    assert 3 == client.workflows.define(first).version
    client.workflows.delete("kept")


def test_every_problem_is_told_with_path_and_code(client: Client, working: Working) -> None:
    definition = {
        "name": "wrong",
        "steps": [
            working.step("a", tool="nothing_like_it"),
            {"name": "b", "tool": "append", "arguments": {"path": 1, "line": "x", "extra": 1}},
            {"name": "c", "tool": "append", "arguments": {"path": "{{a}}"}},
            {"name": "d", "tool": "append", "arguments": {"line": "x"}, "needs": ["d"]},
        ],
    }
    problems = client.workflows.validate(definition)
    found = {(each.path, each.code) for each in problems}

    assert ("/steps/0/tool", "UNKNOWN_TOOL") in found
    assert ("/steps/1/arguments/path", "ARGUMENTS_INVALID") in found
    assert ("/steps/1/arguments/extra", "ARGUMENTS_INVALID") in found
    assert ("/steps/2/arguments", "ARGUMENTS_INVALID") in found
    assert ("/steps/2/arguments/path", "NOT_NEEDED") in found
    assert ("/steps/3/needs", "CYCLE") in found
    with pytest.raises(InvalidWorkflow) as refused:
        client.workflows.define(definition)
    assert found >= {
        (each.field, each.description.partition(":")[0]) for each in refused.value.violations
    }
    assert not working.counted()


def test_inputs_are_checked_before_anything_runs(client: Client, working: Working) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    definition = {"inputs": schema, "steps": [working.step("a")]}
    for inputs in ({}, {"n": "x"}, '{"n": 1, "n": 2}', "[]"):
        with pytest.raises(CallRefused):
            client.workflows.run(definition, inputs).result()

    assert not working.counted()


def test_what_there_is_not_is_not_found(client: Client) -> None:
    for call in (client.workflows.get_run, client.workflows.cancel):
        with pytest.raises(UnknownWorkflowRun):
            call("no-such-run")
    with pytest.raises(UnknownWorkflowRun):
        client.workflows.watch("no-such-run").result()
    with pytest.raises(UnknownWorkflowRun):
        client.workflows.resume("no-such-run", "retry")
    run = client.workflows.run({"steps": [same("a", 1)]}).result()
    with pytest.raises(WorkflowNotInterrupted):
        client.workflows.resume(run.run_id, "retry")


def test_the_asynchronous_client_says_the_same(working: Working, client: Client) -> None:
    assert client

    async def scenario() -> None:
        assert working.server
        async with AsyncClient(working.server.target) as one:
            definition = {"name": "twin", "steps": [same("a", 1)], "outputs": {"a": "{{a}}"}}
            assert () == await one.workflows.validate(definition)
            assert 1 == (await one.workflows.define(definition)).version
            assert ["twin"] == [each.name async for each in one.workflows.list()]
            assert "twin" == (await one.workflows.get("twin")).name
            stream = one.workflows.run("twin")
            events = [each async for each in stream]
            result = await stream.result()
            assert {"a": 1} == result.outputs
            watched = await one.workflows.watch(result.run_id).result()
            assert result == watched
            assert result.run_id == (await one.workflows.get_run(result.run_id)).run_id
            listed = [each.run_id async for each in one.workflows.list_runs(workflow="twin")]
            assert [result.run_id] == listed
            assert events[-1].HasField("finished")
            await one.workflows.cancel(result.run_id)
            with pytest.raises(WorkflowNotInterrupted):
                await one.workflows.resume(result.run_id, "skip")
            await one.workflows.delete("twin")

    asyncio.run(scenario())


def test_a_reader_that_stalls_holds_no_run_back(client: Client, working: Working) -> None:
    stalled = client.workflows.run({"steps": [working.step("a"), working.step("b", needs=["a"])]})
    next(stalled)
    wait_until(lambda: client.workflows.get_run(stalled.run_id).state == 2)

    assert stalled.result().ok


def test_runs_and_steps_are_counted(client: Client, working: Working) -> None:
    assert working.server
    client.workflows.run({"steps": [same("a", 1)]}).result()
    text = working.server.scrape()

    assert 'toolcell_workflow_runs_total{outcome="completed"}' in text
    assert "toolcell_workflow_runs_running 0.0" in text
