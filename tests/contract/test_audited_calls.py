"""
The audit log of calls that another tool, a cache or nobody serves: it says what ran, and no more.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from auditing_logs import records
from rivals import Caller, told
from running_server import start_server
from toolcell.v1 import approval_pb2, approval_pb2_grpc
from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALICE, OLGA = "alice-" + "0123456789abcdef" * 2, "olga-" + "fedcba9876543210" * 2
SECRET = "s3cr3t-s3cr3t"
TOOL = '''
from toolcell_worker import stages, tool


@tool(effects="read_only", cache_ttl_seconds=60)
def draw() -> str:
    """Draws."""
    return "drawn"


@tool(effects="read_only")
def spare(text: str) -> str:
    """Stands in."""
    return "spare"


@tool(effects="read_only", fallback="spare")
def flaky(text: str) -> str:
    """Fails."""
    raise ConnectionError("down")


@tool(approval="approve", preview=True, audit="required", paths=[stages("{path}")])
def put(path: str) -> None:
    """Writes."""
    import pathlib
    file = pathlib.Path(path)
    file.write_text((file.read_text() if file.exists() else "") + "more\\n")
'''
SETTINGS = """
[[auth.tokens]]
name = "alice"
sha256 = "{alice}"
scopes = ["tools:*"]

[[auth.tokens]]
name = "olga"
sha256 = "{olga}"
scopes = ["toolcell:approve", "toolcell:executions"]

[[bundles]]
name = "mine"
path = "{folder}/bundle"

[policy]
roots = [{{path = "{folder}/files", access = "write"}}]

[redaction]
values = [{{ file = "{folder}/secret" }}]
"""


@contextlib.contextmanager
def serving(folder: Path, *flags: str) -> Iterator[tuple[Caller, Caller]]:
    folder.chmod(0o755)
    for name in ("bundle", "files", "state"):
        (folder / name).mkdir(mode=0o700 if name == "state" else 0o755)
    (folder / "bundle" / "tools.py").write_text(TOOL)
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    digests = {
        name: hashlib.sha256(token.encode()).hexdigest()
        for name, token in (("alice", ALICE), ("olga", OLGA))
    }
    settings = SETTINGS.format(folder=folder, **digests)
    with start_server(
        folder, settings, flags=("--set", f"state_dir={folder}/state", *flags)
    ) as server:
        alice, olga = Caller(server.target, ALICE), Caller(server.target, OLGA)
        with alice.channel, olga.channel:
            yield alice, olga


def executions(folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """
    What the log says of executions: type, tool, data.
    """
    found = records(folder / "state" / "audit")
    kinds = [one["type"].removeprefix("toolcell.") for one in found]
    return [
        (kind, one["data"]["tool"]["name"], one["data"])
        for kind, one in zip(kinds, found, strict=True)
        if kind.startswith("execution.") and "tool" in one["data"]
    ]


def refused(caller: Caller, tool: str, arguments: object) -> tuple[str, str, str]:
    with pytest.raises(grpc.RpcError) as raised:
        caller.run(tool, arguments)
    return told(raised.value)


def test_an_answer_from_the_cache_is_one_ending(tmp_path: Path) -> None:
    with serving(tmp_path) as (alice, _):
        alice.run("draw")
        assert alice.run("draw").finished.cached
    found = executions(tmp_path)

    assert ["execution.accepted", "execution.finished"] * 2 == [each[0] for each in found]
    assert [False, True] == [each[2]["cached"] for each in found[1::2]]


def test_a_preview_is_recorded_before_it_runs_and_shows_no_secret(tmp_path: Path) -> None:
    with serving(tmp_path) as (alice, olga):
        file = tmp_path / "files" / "a.txt"
        file.write_text(f"password {SECRET}\n")
        assert "APPROVAL_REQUIRED" == refused(alice, "put", {"path": str(file)})[1]
        stub: Any = approval_pb2_grpc.ApprovalServiceStub(olga.channel)
        listed = stub.ListApprovals(
            approval_pb2.ListApprovalsRequest(), timeout=30, metadata=olga.metadata
        )
    (approval,) = listed.approvals
    found = executions(tmp_path)

    assert "+more" in approval.preview
    assert "password [redacted]" in approval.preview
    assert ["execution.accepted", "execution.finished"] == [each[0] for each in found]
    assert all(each[2]["preview"] for each in found)


def test_without_a_log_what_demands_one_has_no_preview(tmp_path: Path) -> None:
    with serving(tmp_path, "--set", "audit.enabled=false") as (alice, _):
        file = str(tmp_path / "files" / "new")

        assert "AUDIT_NOT_KEPT" == refused(alice, "put", {"path": file})[1]


def test_who_reaches_for_an_execution_of_another_is_recorded(tmp_path: Path) -> None:
    """
    What one does with his own is told by its ending.
    """
    with serving(tmp_path) as (alice, olga):
        ran = alice.run("draw").execution_id
        asked = pb.GetExecutionRequest(execution_id=ran)
        alice.stub.GetExecution(asked, timeout=30, metadata=alice.metadata)
        olga.stub.GetExecution(asked, timeout=30, metadata=olga.metadata)
        ended = pb.CancelExecutionRequest(execution_id=ran)
        olga.stub.CancelExecution(ended, timeout=30, metadata=olga.metadata)
    found = [one["data"] for one in records(tmp_path / "state" / "audit", "execution.reached")]

    assert ["GetExecution", "CancelExecution"] == [one["method"] for one in found]
    assert {("olga", "alice", ran)} == {
        (one["principal"]["name"], one["owner"], one["execution_id"]) for one in found
    }
