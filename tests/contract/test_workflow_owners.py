"""
Whose workflows are: another principal's are not there, and every step has its caller's rights.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from auditing_logs import records
from toolcell.v1 import workflow_pb2 as pb
from toolcell_client import CallRefused, Client
from toolcell_client.errors import SwitchedOff, UnknownWorkflow, UnknownWorkflowRun
from working import Working, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKENS = {name: f"{name}-" + "0123456789abcdef" * 2 for name in ("alice", "mallory", "boss")}
ROLES = {"alice": ["user"], "mallory": ["guest"], "boss": ["operator"]}
SETTINGS = """
[[roles]]
name = "user"
tools = [{tools}]

[[roles]]
name = "guest"
tools = ["same"]

[[roles]]
name = "operator"
scopes = ["toolcell:executions", "toolcell:approve"]
"""
EVERY = '"append", "append_again", "append_approved", "same"'


def settings(tools: str = EVERY) -> str:
    people = [
        f'[[auth.tokens]]\nname = "{name}"\nroles = {ROLES[name]!r}\n'
        f'sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
        for name, token in TOKENS.items()
    ]
    return "".join(people) + SETTINGS.format(tools=tools)


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Working]:
    one = Working(tmp_path, settings())
    yield one
    one.stop()


def long(working: Working) -> dict[str, Any]:
    first = working.step("a", tool="append_again")
    first["arguments"]["after"] = 3.0
    return {"name": "long", "steps": [first, working.step("b", needs=["a"])]}


def begun(working: Working, client: Client, definition: dict[str, Any]) -> str:
    """
    The id of a run whose first tool is in the middle.
    """
    stream = client.workflows.run(definition)
    while not working.counted():
        next(stream)
    return stream.run_id


def test_what_is_anothers_is_as_good_as_not_there(working: Working) -> None:
    with working.start(TOKENS["alice"]) as alice, working.client(TOKENS["mallory"]) as mallory:
        alice.workflows.define(long(working))
        run_id = begun(working, alice, long(working))
        attempts: list[Callable[[str], Any]] = [
            mallory.workflows.get_run,
            mallory.workflows.cancel,
            lambda each: mallory.workflows.watch(each).result(),
            lambda each: mallory.workflows.resume(each, "retry"),
        ]
        for attempt in attempts:
            said = []
            for each in (run_id, "0" * len(run_id)):
                with pytest.raises(UnknownWorkflowRun) as refused:
                    attempt(each)
                said.append(str(refused.value).replace(each, ""))
            assert said[0] == said[1]
        for call in (mallory.workflows.get, mallory.workflows.delete):
            with pytest.raises(UnknownWorkflow):
                call("long")
        assert [] == list(mallory.workflows.list())
        assert [] == list(mallory.workflows.list_runs())
        [alices] = list(alice.workflows.list_runs())

        assert alices.state == pb.WORKFLOW_RUN_STATE_RUNNING
        assert pb.WORKFLOW_RUN_STATE_COMPLETED == settled(alice, run_id).state


def test_names_and_request_ids_are_each_principals_own(working: Working) -> None:
    definition: dict[str, Any] = {"name": "mine", "steps": [{"name": "a", "tool": "same"}]}
    results = []
    with working.start(TOKENS["alice"]) as alice, working.client(TOKENS["mallory"]) as mallory:
        for value, each in enumerate((alice, mallory)):
            definition["steps"][0]["arguments"] = {"value": value}
            definition["outputs"] = {"a": "{{a}}"}
            assert 1 == each.workflows.define(definition).version
            results.append(each.workflows.run("mine", request_id="same").result())

    assert [{"a": 0}, {"a": 1}] == [each.outputs for each in results]
    assert results[0].run_id != results[1].run_id


def test_tools_are_those_that_the_caller_may_call(working: Working) -> None:
    with working.start(TOKENS["mallory"]) as mallory:
        told = {
            tool: [
                each.code
                for each in mallory.workflows.validate({"steps": [{"name": "a", "tool": tool}]})
            ]
            for tool in ("append", "no_such_tool")
        }
        with pytest.raises(CallRefused):
            mallory.workflows.run({"steps": [working.step("a")]}).result()

    assert {"append": ["NOT_PERMITTED"], "no_such_tool": ["NOT_PERMITTED"]} == told
    assert not working.counted()


def test_an_operator_sees_and_ends_runs_of_others(working: Working) -> None:
    with working.start(TOKENS["alice"]) as alice, working.client(TOKENS["boss"]) as boss:
        run_id = begun(working, alice, long(working))
        assert [run_id] == [each.run_id for each in boss.workflows.list_runs()]
        run = boss.workflows.cancel(run_id)

        assert "cancelled by boss" == run.finished.message
        assert run == alice.workflows.get_run(run_id)


def test_a_call_waits_for_somebody_elses_approval(working: Working) -> None:
    definition = {"steps": [working.step("a", tool="append_approved")]}
    with working.start(TOKENS["alice"]) as alice, working.client(TOKENS["boss"]) as boss:
        stream = alice.workflows.run(definition)
        waiting = next(event for event in stream if event.HasField("step_waiting"))
        assert not working.counted()
        boss.approvals.approve(waiting.step_waiting.approval_id)
        assert stream.result().ok
        refused = alice.workflows.run(definition)
        waiting = next(event for event in refused if event.HasField("step_waiting"))
        boss.approvals.deny(waiting.step_waiting.approval_id)
        events = list(refused)

    assert {"a": 1} == dict(working.counted())
    [ended] = [each.step_finished for each in events if each.HasField("step_finished")]
    assert "denied" in ended.refused.message


@pytest.mark.parametrize("taken", [False, True], ids=["kept", "taken"])
def test_after_a_restart_a_role_gives_what_it_gives_then(taken: bool, working: Working) -> None:
    with working.start(TOKENS["alice"]) as alice:
        run_id = begun(working, alice, long(working))
        working.kill()
    working.more = settings('"append_again", "same"') if taken else settings()
    with working.start(TOKENS["alice"]) as alice:
        run = settled(alice, run_id)
        events = list(alice.workflows.watch(run_id))

    ended = {each.step: each.step_finished for each in events if each.HasField("step_finished")}
    assert ("NOT_PERMITTED" in str(ended["b"].refused.details)) == taken
    assert working.counted()["b"] == (not taken)
    assert (run.state == pb.WORKFLOW_RUN_STATE_COMPLETED) == (not taken)


def test_runs_leave_records(working: Working) -> None:
    with working.start(TOKENS["alice"]) as alice:
        alice.workflows.define({"name": "a", "steps": [working.step("a")]})
        run_id = alice.workflows.run("a").result().run_id
        alice.workflows.delete("a")
    working.stop()
    found = [
        one for one in records(working.folder / "state" / "audit") if "workflow." in one["type"]
    ]

    assert ["defined", "begun", "completed", "deleted"] == [
        one["type"].rpartition(".")[2] for one in found
    ]
    assert ["a", run_id, run_id, "a"] == [one["subject"] for one in found]
    assert {"alice"} == {one["data"]["principal"]["name"] for one in found}


def test_workflows_can_be_switched_off(working: Working) -> None:
    working.more += "[workflows]\nenabled = false\n"
    with working.start(TOKENS["alice"]) as alice:
        with pytest.raises(SwitchedOff, match="workflows"):
            alice.workflows.run({"steps": [working.step("a")]}).result()
        with pytest.raises(SwitchedOff):
            alice.workflows.define({"steps": [working.step("a")]})

    assert not working.counted()
