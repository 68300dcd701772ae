"""
Where the parts of governance meet: what one of them takes, tells or answers, the others mind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import repeating
from governed import Governed, governed, types
from toolcell_server.refusals import ApprovalReplayed, ApprovalRequired, SwitchedOff

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
        assert 0 == calls.app.desk.store.pending("alice", 0.0)

    found = governed(tmp_path, scenario, approved("stand_in", kind))

    assert ["execution.accepted", "execution.finished"] == types(found)


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
