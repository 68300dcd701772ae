"""
Where the parts of governance meet: what one of them takes, tells or answers, the others mind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hooking
import pytest
import repeating
from governed import Governed, governed, types
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.refusals import (
    ApprovalReplayed,
    ApprovalRequired,
    ArgumentsInvalid,
    AuditFailed,
    QuotaExceeded,
    SwitchedOff,
    ToolUnavailable,
    Vetoed,
)

if TYPE_CHECKING:
    from pathlib import Path


def approved(tool: str, kind: str = "confirm") -> str:
    return f'[[approval.tools]]\ntool = "{tool}"\nkind = "{kind}"\n'


def test_an_answer_from_the_cache_is_one_execution_that_ended(tmp_path: Path) -> None:
    """
    Its place is given back before it is told; that is no reason to record that it never ran.
    """

    async def scenario(calls: Governed) -> None:
        await calls.run("numbered")
        assert (await calls.run("numbered")).cached
        await calls.settled()

    found = governed(tmp_path, scenario)

    ended = [one["data"]["cached"] for one in found if "finished" in one["type"]]
    assert ["execution.accepted"] * 2 + ["execution.finished"] * 2 == sorted(types(found))
    assert [False, True] == ended


def test_a_fallback_is_in_the_record_of_the_execution_that_it_finished(tmp_path: Path) -> None:
    saying = tmp_path / "saying"
    repeating.say(saying, "down")

    async def scenario(calls: Governed) -> None:
        await calls.run("leading", {"path": str(saying)})
        assert ["accepted", "started", "fell_back", "started", "finished"] == calls.kinds
        await calls.settled()

    found = governed(tmp_path, scenario)

    assert ["execution.accepted"] * 2 + ["execution.finished"] == types(found)
    assert "leading" == found[-1]["data"]["tool"]["name"]
    assert {
        "tool": "leading",
        "version": "1",
        "fallback": "stand_in",
        "fallback_version": "1",
        "refusal": "",
        "outcome": "failed",
        "paths": [{"path": str(saying), "access": "read"}],
        "domains": [],
    } == found[-1]["data"]["fell_back"]


def test_a_fallback_in_place_of_a_refused_tool_is_recorded_as_such(tmp_path: Path) -> None:
    saying = tmp_path / "saying"
    repeating.say(saying, "up")

    async def scenario(calls: Governed) -> None:
        await calls.run("switched_off", {"path": str(saying)})
        await calls.settled()

    found = governed(tmp_path, scenario)
    told = found[-1]["data"]

    assert ["execution.accepted", "execution.finished"] == types(found)
    assert ("stand_in", "switched_off", "SWITCHED_OFF") == (
        told["tool"]["name"],
        told["fell_back"]["tool"],
        told["fell_back"]["refusal"],
    )


def test_a_fallback_of_an_approved_tool_runs_without_the_approval(tmp_path: Path) -> None:
    """
    The token was for the tool that failed, and is used up by it.
    """
    saying = tmp_path / "saying"
    repeating.say(saying, "down")

    async def scenario(calls: Governed) -> None:
        with pytest.raises(ApprovalRequired) as asked:
            await calls.run("leading", {"path": str(saying)})
        token = asked.value.metadata["approval_token"]
        finished = await calls.run("leading", {"path": str(saying)}, approval_token=token)
        assert ["FELL_BACK"] == [warning.reason for warning in finished.warnings]
        with pytest.raises(ApprovalReplayed):
            await calls.run("leading", {"path": str(saying)}, approval_token=token)
        await calls.settled()

    found = governed(tmp_path, scenario, approved("leading"))

    assert ["approval.requested", "approval.reserved", "approval.used"] == [
        kind for kind in types(found) if kind.startswith("approval.")
    ]


@pytest.mark.parametrize("kind", ["confirm", "approve"])
def test_nobody_is_asked_to_approve_a_fallback(tmp_path: Path, kind: str) -> None:
    """
    Its token would reach nobody, and what it waits for nobody could ever call.
    """
    saying = tmp_path / "saying"
    repeating.say(saying, "down")

    async def scenario(calls: Governed) -> None:
        finished = await calls.run("leading", {"path": str(saying)})
        assert ["FALLBACK_REFUSED"] == [warning.reason for warning in finished.warnings]
        assert "APPROVAL_REQUIRED" in finished.warnings[0].message
        with pytest.raises(SwitchedOff):
            await calls.run("switched_off", {"path": str(saying)})
        await calls.settled()
        assert 0 == calls.app.desk.store.unexpired("alice", "pending", 0.0)

    found = governed(tmp_path, scenario, approved("stand_in", kind))

    assert ["execution.accepted", "execution.finished"] == types(found)
    assert "APPROVAL_REQUIRED" in found[-1]["data"]["warnings"][0]


def test_an_approval_that_was_answered_from_the_cache_is_used(tmp_path: Path) -> None:
    """
    It was given for one answer; where that came from is nothing to whoever gave it.
    """

    async def scenario(calls: Governed) -> None:
        tokens = []
        for _ in range(2):
            with pytest.raises(ApprovalRequired) as asked:
                await calls.run("numbered")
            tokens.append(asked.value.metadata["approval_token"])
        assert not (await calls.run("numbered", approval_token=tokens[0])).cached
        assert (await calls.run("numbered", approval_token=tokens[1])).cached
        await calls.settled()
        with pytest.raises(ApprovalReplayed):
            await calls.run("numbered", approval_token=tokens[1])

    found = governed(tmp_path, scenario, approved("numbered"))

    assert 2 == types(found).count("approval.used")
    assert 0 == types(found).count("approval.returned")


HOOKS = """
def veto(call: HookCall) -> Veto | None:
    return None if call.validate_only else Veto("not today")

def mark(call: HookCall, result: HookResult) -> HookResult:
    return result.with_result({**result.result, "marked": call.execution_id})
"""


def hooked(folder: Path, at: str, name: str) -> str:
    where = f"{hooking.module(folder, HOOKS)}:{name}"
    return f'[[middleware]]\nmodule = "{where}"\npath = "{folder}"\nat = "{at}"\n'


@pytest.mark.parametrize("at", ["after_admission", "before_execution"])
def test_a_veto_gives_the_approval_back(tmp_path: Path, at: str) -> None:
    """
    Nothing ran, so whoever said yes need not be asked again; and nothing else stays taken.
    """

    async def scenario(calls: Governed) -> None:
        with pytest.raises(ApprovalRequired) as asked:
            await calls.run("numbered")
        token = asked.value.metadata["approval_token"]
        for _ in range(2):
            if at == "after_admission":
                with pytest.raises(Vetoed):
                    await calls.run("numbered", approval_token=token)
            else:
                finished = await calls.run("numbered", approval_token=token)
                assert "VETOED" == finished.outcome.failed.code
                await calls.settled()
        assert 0 == calls.app.capacity.running + calls.app.capacity.waiting

    found = governed(
        tmp_path,
        scenario,
        approved("numbered") + hooked(tmp_path, at, "veto") + ONCE.format(tool="numbered"),
    )
    approvals = [kind for kind in types(found) if kind.startswith("approval.")]

    assert ["approval.reserved", "approval.returned"] * 2 == approvals[1:]
    assert (2 if at == "before_execution" else 0) == types(found).count("execution.finished")
    assert "execution.not_run" not in types(found)


ONCE = '[[rates]]\nname = "once"\ntools = ["{tool}"]\ncalls = ["1/day"]\nconcurrency = 1\n'


def test_an_answer_from_the_cache_costs_no_rate_and_gives_its_place_back(tmp_path: Path) -> None:
    async def scenario(calls: Governed) -> None:
        first = await calls.run("numbered")
        await calls.settled()
        with pytest.raises(QuotaExceeded):
            await calls.run("numbered", {"value": 2})
        assert not first.cached

    governed(tmp_path, scenario, ONCE.format(tool="numbered"))

    async def twice(calls: Governed) -> None:
        for cached in (False, True, True):
            assert cached == (await calls.run("numbered")).cached
            await calls.settled()
        await calls.run("numbered", {"value": 2})
        with pytest.raises(QuotaExceeded):
            await calls.run("numbered")

    governed(tmp_path, twice, ONCE.format(tool="numbered").replace("1/day", "2/day"))


def test_a_fallback_meets_its_own_rates_and_the_first_tool_keeps_nothing(tmp_path: Path) -> None:
    """
    A rule that lets one of both run at a time lets the fallback run; its window is its own.
    """
    saying = tmp_path / "saying"
    repeating.say(saying, "down")
    both = '[[rates]]\nname = "both"\ntools = ["leading", "stand_in"]\nconcurrency = 1\n'

    async def scenario(calls: Governed) -> None:
        first = await calls.run("leading", {"path": str(saying)})
        await calls.settled()
        second = await calls.run("leading", {"path": str(saying)})
        await calls.settled()
        reasons = [ended.warnings[0].reason for ended in (first, second)]
        assert ["FELL_BACK", "FALLBACK_REFUSED"] == reasons
        assert "QUOTA_EXCEEDED" in second.warnings[0].message

    governed(tmp_path, scenario, both + ONCE.format(tool="stand_in"))


def test_a_tool_left_alone_is_refused_before_its_rates_and_approval_and_cache(
    tmp_path: Path,
) -> None:
    """
    Nobody is asked, nothing is counted; an answer that was kept does not open the circuit's way.
    """
    saying = tmp_path / "saying"
    repeating.say(saying, "down")

    async def scenario(calls: Governed) -> None:
        for _ in range(3):
            await calls.run("troubled", {"path": str(saying)})
            await calls.settled()
        for _ in range(3):
            with pytest.raises(ToolUnavailable):
                await calls.run("troubled", {"path": str(saying)})
        assert 0 == calls.app.capacity.running

    found = governed(tmp_path, scenario, ONCE.format(tool="troubled").replace("1/day", "3/day"))

    assert 3 == types(found).count("execution.finished")


def test_a_kept_answer_holds_no_secret_and_is_changed_for_its_caller_alone(tmp_path: Path) -> None:
    """
    Redacted before it is kept, looked at by hooks after.
    """

    async def scenario(calls: Governed) -> None:
        for cached in (False, True):
            finished = await calls.run("numbered", {"value": f"Bearer {SECRET}"})
            assert cached == finished.cached
            assert SECRET.encode() not in finished.result_json
            told = calls.events[-1]
            assert told.execution_id.encode() in finished.result_json
        assert calls.app.cache is not None
        (entry,) = calls.app.cache._entries.values()
        assert SECRET.encode() not in entry.result
        assert b"marked" not in entry.result

    more = hooked(tmp_path, "after_execution", "mark") + "[redaction]\nbuiltin_patterns = true\n"
    governed(tmp_path, scenario, more)


SECRET = "ghp_" + "a1B2" * 9


def test_a_preview_is_recorded_as_one(tmp_path: Path) -> None:
    """
    It runs before anybody has agreed: that is in the log, before it does.
    """
    out = tmp_path / "out"
    repeating.say(out, "before")

    async def scenario(calls: Governed) -> None:
        with pytest.raises(ApprovalRequired):
            await calls.run("previewed", {"path": str(out)})

    found = governed(tmp_path, scenario, approved("previewed", "approve"))
    previews = [one["data"]["preview"] for one in found if "execution" in one["type"]]

    assert ["execution.accepted", "execution.finished", "approval.requested"] == sorted(
        types(found), key=lambda kind: kind.startswith("approval")
    )
    assert [True, True] == previews
    assert "before" == out.read_text()


def test_the_log_keeps_nothing_under_the_names_that_a_tool_calls_secret(tmp_path: Path) -> None:
    """
    With content on; of a call that ran and of one that was refused.
    """

    async def scenario(calls: Governed) -> None:
        assert b"redacted" in (await calls.run("keyed", {"pin": "4711"})).result_json.lower()
        await calls.settled()
        with pytest.raises(ArgumentsInvalid) as refused:
            await calls.run("keyed", {"pin": "4711", "more": 1})
        assert calls.app.auditing is not None
        request = pb.RunRequest(tool="keyed", arguments_json=b'{"pin": "4711", "more": 1}')
        calls.app.auditing.refused(refused.value, "/Run", request)

    found = governed(tmp_path, scenario, content=True)

    assert ["execution.accepted", "execution.finished", "call.refused"] == types(found)
    assert "4711" not in str(found)
    assert all("pin" in one["data"]["arguments"]["content"] for one in found)


def test_a_preview_shows_no_secret_that_a_result_would_not(tmp_path: Path) -> None:
    out = tmp_path / "out"
    repeating.say(out, f"key {SECRET} of somebody\n")

    async def scenario(calls: Governed) -> None:
        with pytest.raises(ApprovalRequired) as asked:
            await calls.run("previewed", {"path": str(out)})
        approval = calls.app.desk.store.by_id(asked.value.metadata["approval_id"])
        assert approval is not None
        assert approval.preview.startswith("PARTLY MASKED")
        assert "of somebody" in approval.preview
        assert SECRET not in approval.preview

    more = approved("previewed", "approve") + "[redaction]\nbuiltin_patterns = true\n"
    governed(tmp_path, scenario, more)


def test_nobody_is_asked_about_what_cannot_be_recorded(tmp_path: Path) -> None:
    out = tmp_path / "out"
    repeating.say(out, "before")

    async def scenario(calls: Governed) -> None:
        assert calls.app.auditing is not None
        writing = calls.app.auditing._log._writing
        writing.faults.add("write", OSError(28, "No space left on device"))
        with pytest.raises(AuditFailed):
            await calls.run("previewed", {"path": str(out)})
        writing.faults.mend("write")
        assert 0 == calls.app.desk.store.unexpired("alice", "pending", 0.0)

    governed(tmp_path, scenario, approved("previewed", "approve"))


@pytest.mark.parametrize("tool", ["troubled", "leading"])
def test_who_has_heard_the_ending_may_make_the_next_call(tmp_path: Path, tool: str) -> None:
    """
    His one place is free by then, though the cell is still being taken to pieces.
    """
    saying = tmp_path / "saying"
    repeating.say(saying, "down" if tool == "leading" else "up")
    alone = '[[rates]]\nname = "alone"\nconcurrency = 1\n'

    async def scenario(calls: Governed) -> None:
        for _ in range(5):
            finished = await calls.run(tool, {"path": str(saying)})
            assert finished.outcome.HasField("completed")

    governed(tmp_path, scenario, alone)


def test_what_is_left_of_a_budget_does_not_alter_what_was_approved(tmp_path: Path) -> None:
    """
    Other calls use it between the question and the answer; nobody said yes to a remainder.
    """
    budget = '[[rates]]\nname = "budget"\ncpu_seconds_per_day = 5\n'

    async def scenario(calls: Governed) -> None:
        with pytest.raises(ApprovalRequired) as asked:
            await calls.run("numbered")
        await calls.run("numbered_for_all")
        await calls.settled()
        token = asked.value.metadata["approval_token"]
        finished = await calls.run("numbered", approval_token=token)
        assert finished.outcome.HasField("completed")
        accepted = calls.events[0].accepted.limits
        assert 0 < accepted.cpu.ToNanoseconds() < 5e9

    governed(tmp_path, scenario, approved("numbered") + budget)
