"""
A second service, with governance: who may call, how often, with whose approval, and the proof.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from running_server import start_server
from toolcell_client import Client, errors

from demo.server import CACHE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.report import Report

SETTINGS = """
[[auth.tokens]]
name = "agent"
sha256 = "{agent}"
roles = ["agent"]

[[auth.tokens]]
name = "olga"
sha256 = "{olga}"
roles = ["supervisor"]

[[roles]]
name = "agent"
tools = ["calculate", "text_stats", "write_file"]

[[roles]]
name = "supervisor"
scopes = ["toolcell:approve"]

[[rates]]
tools = ["text_stats"]
calls = "2/minute"

[[approval.tools]]
tool = "write_file"
kind = "approve"

[policy]
roots = [{{path = "{root}", access = "write"}}]
"""


@dataclass(frozen=True)
class Governed:
    """
    Where the service is, and its two callers.
    """

    agent: Client
    olga: Client
    folder: Path


@contextlib.contextmanager
def governing() -> Iterator[Governed]:
    """
    The service and its callers, for as long as the context lasts.
    """
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=CACHE) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "root").mkdir()
        (folder / "state").mkdir(mode=0o700)
        tokens = {caller: secrets.token_urlsafe(32) for caller in ("agent", "olga")}
        digests = {
            caller: hashlib.sha256(token.encode()).hexdigest() for caller, token in tokens.items()
        }
        settings = SETTINGS.format(root=folder / "root", **digests)
        flags = ("--set", f"state_dir={folder}/state")
        with (
            start_server(folder, settings, flags=flags) as server,
            Client(server.target, token=tokens["agent"]) as agent,
            Client(server.target, token=tokens["olga"]) as olga,
        ):
            yield Governed(agent, olga, folder)


def show_governance(report: Report) -> None:
    """
    A denied, a rate-limited, an approved and a replayed call, and the log of them.
    """
    with governing() as governed:
        report.title("governance: who may call what, and how often")
        _denied(governed, report)
        _limited(governed, report)
        report.title("governance: a person approves, a repeated call runs once")
        _approved(governed, report)
        _replayed(governed, report)
        _proved(governed, report)


def _refused(client: Client, tool: str, arguments: dict[str, object], report: Report) -> str:
    """
    Why a call is refused.
    """
    try:
        client.run(tool, arguments)
    except errors.CallRefused as exc:
        report.tell(f"the model is told: {exc.hint}")
        return exc.reason
    return "it ran"


def _denied(governed: Governed, report: Report) -> None:
    reason = _refused(governed.agent, "run_python", {"code": "1"}, report)
    report.check("run_python is not for the agent", expected="NOT_PERMITTED", actual=reason)
    shown = sorted(tool.name for tool in governed.agent.list_tools())
    mine = ["calculate", "text_stats", "write_file"]
    report.check("the agent sees its own tools", expected=mine, actual=shown)


def _limited(governed: Governed, report: Report) -> None:
    for _ in range(2):
        governed.agent.run("text_stats", {"text": "to be"})
    reason = _refused(governed.agent, "text_stats", {"text": "or not"}, report)
    report.check("the third call in a minute", expected="QUOTA_EXCEEDED", actual=reason)


def _approved(governed: Governed, report: Report) -> None:
    file = governed.folder / "root" / "new.txt"
    arguments = {"path": str(file), "content": "approved\n"}
    try:
        governed.agent.run("write_file", arguments)
    except errors.ApprovalRequired as asked:
        report.tell(f"the agent is told: {asked.hint}")
        report.check("nothing is written yet", expected=False, actual=file.exists())
        approval = governed.olga.approvals.get(asked.approval_id)
        report.tell(f"olga reads: {approval.summary.splitlines()[0]}")
        governed.olga.approvals.approve(asked.approval_id, "as agreed")
        result = governed.agent.run("write_file", arguments, approval_token=asked.token)
        report.check("with her approval it ran", expected="completed", actual=result.label)
    report.check("and the file is there", expected=True, actual=file.exists())


def _replayed(governed: Governed, report: Report) -> None:
    expression = {"expression": "6*7"}
    first = governed.agent.run("calculate", expression, request_id="the same")
    again = governed.agent.run("calculate", expression, request_id="the same")
    report.check("a repeated call is replayed", expected=True, actual=again.replayed)
    same = first.execution_id == again.execution_id
    report.check("it is one execution", expected=True, actual=same)


def _proved(governed: Governed, report: Report) -> None:
    folder = governed.folder / "state" / "audit"
    verify = [sys.executable, "-m", "toolcell_server", "audit", "verify", str(folder)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    report.check("the audit log verifies", expected=0, actual=done.returncode)
    report.tell(done.stdout.strip().splitlines()[-1] if done.stdout else done.stderr.strip())
