"""
What leaves a record, and what may not happen without one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from admitting import READ_FILE, WALLS, admission, request
from auditing_logs import complaints, full_at, log, records
from scripted_executor import ScriptedExecutor, StopsShort, completed, execution
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import refusals
from toolcell_server.audit.auditing import MAXIMUM_DENIALS, Auditing
from toolcell_server.audited import AuditedExecutor
from toolcell_server.audited_admission import AuditedAdmission
from toolcell_server.limits import Limits
from toolcell_server.principal import Principal
from toolcell_server.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from toolcell_server.execution import Execution

ALICE = Principal(name="alice", roles=frozenset({"b", "a"}), session="s1", origin="ipv4:1.2.3.4:5")
DENIED = pb.Denied(
    wall=pb.WALL_NETWORK,
    operation="connect",
    target="evil.example:443",
    reason="not_granted",
    evidence=pb.EVIDENCE_OBSERVED,
)


def audited(
    folder: Path,
    act: Callable[[Auditing], Awaitable[object]],
    redact: Any = None,
    **settings: Any,
) -> list[dict[str, Any]]:
    """
    The records that are there after `act`, those of the log itself left out.
    """
    log_ = log(folder / "log", **settings)
    auditing = Auditing(log_, redact) if redact else Auditing(log_)

    async def whole() -> None:
        auditing.start()
        await act(auditing)
        await auditing.aclose()

    asyncio.run(whole())
    assert complaints(folder / "log") == []
    return [one for one in records(folder / "log") if ".audit." not in one["type"]]


async def drive(auditing: Auditing, running: Execution, *script: Any) -> None:
    await auditing.accept(running)
    async for _ in AuditedExecutor(ScriptedExecutor(*script), auditing).execute(running):
        pass
    running.close()


def types(found: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("toolcell.") for one in found]


def finished(**fields: Any) -> pb.ExecuteResponse:
    outcome = fields.pop("outcome", None) or pb.Outcome(completed=pb.Completed())
    return pb.ExecuteResponse(finished=pb.Finished(outcome=outcome, **fields))


def test_an_execution_leaves_who_what_with_what_and_how_it_ended(tmp_path: Path) -> None:
    """
    Everything that somebody asks afterwards.
    """
    running = execution(
        caller=ALICE, principal="alice", call_id="c1", request_id="r1", labels={"case": "7"}
    )
    usage = pb.Usage(memory_peak_bytes=1000, stdout_bytes=3)
    usage.cpu_user.FromMilliseconds(20)
    ending = finished(
        result_json=b'{"a":1}',
        usage=usage,
        isolation=WALLS.to_proto(),
        contacts=[pb.HostContact(host="a.example", port=443, connections=1, sent_bytes=5)],
        cached=True,
        committed_paths=["/srv/a"],
    )
    started = pb.ExecuteResponse(started=pb.Started(attempt=1, isolation=WALLS.to_proto()))

    accepted, ended = audited(
        tmp_path, lambda auditing: drive(auditing, running, started, started, ending)
    )

    data = ended["data"]
    assert types([accepted, ended]) == ["execution.accepted", "execution.finished"]
    assert accepted["subject"] == ended["subject"] == running.execution_id
    assert accepted["data"].items() <= data.items()
    assert data["principal"] == {
        "name": "alice",
        "roles": ["a", "b"],
        "session": "s1",
        "origin": "ipv4:1.2.3.4:5",
    }
    assert data["tool"] == {"name": "echo", "version": "1", "bundle": "test", "effects": "writes"}
    assert (data["call_id"], data["request_id"], data["labels"]) == ("c1", "r1", {"case": "7"})
    assert data["arguments"] == {"bytes": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}
    assert data["result"] == {"bytes": 7, "sha256": hashlib.sha256(b'{"a":1}').hexdigest()}
    assert data["grant"]["limits"]["wall_seconds"] == Limits().wall_seconds
    assert data["isolation"]["level"] == "strong"
    assert data["isolation"]["walls"]["resources"] == "degraded"
    assert (data["usage"]["cpu_user_seconds"], data["usage"]["memory_peak_bytes"]) == (0.02, 1000)
    assert (data["outcome"], data["attempts"], data["cached"]) == ({"kind": "completed"}, 2, True)
    assert data["contacts"][0]["host"] == "a.example"
    assert data["committed_paths"] == ["/srv/a"]


def test_a_large_result_is_digested_before_it_is_cut_for_the_wire(tmp_path: Path) -> None:
    """
    The ending that is sent no longer holds it by the time its record is made.
    """
    result = b'"' + b"x" * 100 + b'"'

    async def act(auditing: Auditing) -> None:
        running = execution()
        await auditing.accept(running)
        executor = AuditedExecutor(ScriptedExecutor(completed(result)), auditing)
        async for event in executor.execute(running):
            event.finished.ClearField("result_json")

    assert audited(tmp_path, act)[-1]["data"]["result"]["bytes"] == len(result)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (
            pb.Outcome(
                failed=pb.Failed(exception="KeyError", exit_code=1, traceback="secret"),
                category=pb.ERROR_CATEGORY_USER,
                message="m" * 5000,
            ),
            {"kind": "failed", "category": "user", "exception": "KeyError", "exit_code": 1},
        ),
        (
            pb.Outcome(exceeded=pb.Exceeded(limit=pb.LIMIT_WALL, allowed=3)),
            {"kind": "exceeded_wall"},
        ),
        (
            pb.Outcome(violated=pb.Violated(wall=pb.WALL_SECCOMP, what="bpf")),
            {"kind": "violated", "wall": "WALL_SECCOMP", "what": "bpf"},
        ),
        (
            pb.Outcome(lost=pb.Lost(reason=pb.LOST_REASON_CELL_DIED)),
            {"kind": "lost", "reason": "LOST_REASON_CELL_DIED"},
        ),
    ],
)
def test_an_outcome_is_told_but_for_what_the_tool_held(
    tmp_path: Path, outcome: pb.Outcome, said: dict[str, Any]
) -> None:
    found = audited(
        tmp_path, lambda auditing: drive(auditing, execution(), finished(outcome=outcome))
    )
    told = found[-1]["data"]["outcome"]

    assert said.items() <= told.items()
    assert "secret" not in json.dumps(told)
    assert len(told["message"]) <= 1024


def test_an_executor_that_stops_short_is_recorded_as_lost(tmp_path: Path) -> None:
    """
    Because that is what becomes of it.
    """
    found = audited(tmp_path, lambda auditing: drive(auditing, execution(), StopsShort()))

    assert found[-1]["data"]["outcome"]["kind"] == "lost"


def test_what_was_accepted_and_never_ran_is_recorded(tmp_path: Path) -> None:
    """
    Another call with its request_id was faster, or the server was draining.
    """

    async def act(auditing: Auditing) -> None:
        running = execution()
        await auditing.accept(running)
        running.close()

    assert types(audited(tmp_path, act)) == ["execution.accepted", "execution.not_run"]


def test_denials_are_recorded_and_bounded(tmp_path: Path) -> None:
    """
    A tool can be denied as often as it likes; the ending says how often.
    """
    many = [pb.ExecuteResponse(denied=DENIED) for _ in range(MAXIMUM_DENIALS + 10)]
    found = audited(
        tmp_path, lambda auditing: drive(auditing, execution(caller=ALICE), *many, completed())
    )
    denials = [one for one in found if one["type"] == "toolcell.access.denied"]

    assert len(denials) == MAXIMUM_DENIALS
    assert denials[0]["data"]["denied"] == {
        "wall": "network",
        "operation": "connect",
        "target": "evil.example:443",
        "reason": "not_granted",
        "evidence": "observed",
        "reported_only": False,
    }
    assert denials[0]["data"]["principal"]["name"] == "alice"
    assert found[-1]["data"]["denials"] == MAXIMUM_DENIALS + 10


def test_where_nothing_is_demanded_one_record_is_enough(tmp_path: Path) -> None:
    found = audited(
        tmp_path,
        lambda auditing: drive(auditing, execution(), completed()),
        on_failure="continue",
    )

    assert types(found) == ["execution.finished"]


def secretive(value: Any, tool: str, _keys: object) -> Any:
    assert tool == "echo"
    return {**value, "password": "***"}


@pytest.mark.parametrize(
    ("settings", "redact", "shown"),
    [
        ({}, secretive, None),
        (
            {"content": True},
            None,
            {"password": "withheld text", "n": "withheld number", "list": [None]},
        ),
        ({"content": True}, secretive, {"password": "***", "n": 1, "list": [None]}),
        (
            {"content": True, "content_bytes": 256},
            lambda _value, _tool, _keys: "x" * 999,
            {"withheld": "1001 bytes"},
        ),
    ],
)
def test_content_is_written_down_only_if_asked_for_and_as_redacted(
    tmp_path: Path, settings: dict[str, Any], redact: Any, shown: Any
) -> None:
    """
    Without a redactor the shape alone.
    """
    running = execution()
    object.__setattr__(running, "arguments", b'{"password": "hunter2", "n": 1, "list": [null]}')

    found = audited(
        tmp_path, lambda auditing: drive(auditing, running, completed()), redact, **settings
    )

    assert found[-1]["data"]["arguments"].get("content") == shown
    assert "hunter2" not in (tmp_path / "log" / "audit-00000001.jsonl").read_text()


def test_an_event_of_an_approval_says_who_decided(tmp_path: Path) -> None:
    bob = Principal(name="bob")

    async def act(auditing: Auditing) -> None:
        auditing.approval("granted", "a1", ALICE, bob, tool="echo", comment="c" * 5000)

    (found,) = audited(tmp_path, act)

    assert (found["type"], found["subject"]) == ("toolcell.approval.granted", "a1")
    assert found["data"]["decider"]["name"] == "bob"
    assert found["data"]["principal"]["name"] == "alice"
    assert len(found["data"]["comment"]) == 1024


class TestAdmission:
    """
    The last station: with it, and without a log.
    """

    def admit(
        self, folder: Path, auditing: Auditing | None, *, demanded: str = "", **fields: Any
    ) -> Awaitable[Execution]:
        registry = Registry(Limits(), Limits(), frozenset())
        registry.replace("mine", {"tools": [{**READ_FILE, "audit": demanded}], "broken": []})
        base = admission(folder, tools=registry)
        (folder / "a.txt").write_text("a")
        return AuditedAdmission(base, auditing).admit(request(folder, **fields), None, ALICE)

    def test_a_call_that_is_refused_for_the_log_gives_everything_back(self, tmp_path: Path) -> None:
        """
        Refused as temporary, with a delay, and without a word of the server's disks.
        """

        async def act(auditing: Auditing) -> None:
            base = admission(tmp_path)
            (tmp_path / "a.txt").write_text("a")
            auditing._log._writing.faults.add("write", OSError(28, "No space left on device"))
            with pytest.raises(refusals.AuditFailed) as caught:
                await AuditedAdmission(base, auditing).admit(request(tmp_path), None)
            assert base.capacity.running + base.capacity.waiting == 0
            assert caught.value.retry_delay_seconds > 0
            assert "space" not in caught.value.message
            await base.validation.aclose()

        audited(tmp_path, act)

    def test_a_call_whose_acceptance_does_not_reach_the_disk_does_not_run(
        self, tmp_path: Path
    ) -> None:
        """
        The disk is full at that very moment: what is recorded later says that it did not.
        """

        async def act(auditing: Auditing) -> None:
            admitted = self.admit(tmp_path, auditing)
            with full_at(0), pytest.raises(refusals.AuditFailed):
                await admitted

        assert types(audited(tmp_path, act)) == ["execution.accepted", "execution.not_run"]

    @pytest.mark.parametrize("demanded", ["", "required"])
    def test_where_the_operator_goes_on_only_tools_that_demand_it_are_refused(
        self, tmp_path: Path, demanded: str
    ) -> None:
        async def act(auditing: Auditing) -> None:
            auditing._log._writing.faults.add("write", OSError(28, "No space left on device"))
            admitted = self.admit(tmp_path, auditing, demanded=demanded)
            if demanded:
                with pytest.raises(refusals.AuditFailed):
                    await admitted
            else:
                (await admitted).close()

        audited(tmp_path, act, on_failure="continue")

    def test_a_tool_that_demands_a_log_has_its_acceptance_recorded(self, tmp_path: Path) -> None:
        """
        Whatever the operator's setting.
        """

        async def act(auditing: Auditing) -> None:
            (await self.admit(tmp_path, auditing, demanded="required")).close()

        found = audited(tmp_path, act, on_failure="continue")

        assert types(found) == ["execution.accepted", "execution.not_run"]
        assert found[0]["data"]["grant"]["paths"] == [
            {"path": str(tmp_path / "a.txt"), "access": "read"}
        ]

    def test_without_a_log_a_tool_that_demands_one_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(refusals.AuditNotKept, match=r"audit\.folder"):
            asyncio.run(self.run(tmp_path, demanded="required"))

        asyncio.run(self.run(tmp_path, demanded=""))

    def test_a_call_that_is_only_checked_leaves_no_record(self, tmp_path: Path) -> None:
        async def act(auditing: Auditing) -> None:
            (await self.admit(tmp_path, auditing, validate_only=True)).close()

        assert audited(tmp_path, act) == []

    async def run(self, folder: Path, *, demanded: str) -> None:
        (await self.admit(folder, None, demanded=demanded)).close()
