"""
A third service, with the registry: tools that come while it runs, and work made of several calls.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from running_server import start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import Client, Result, errors
from toolcell_client.hosting import hosted

from demo.server import CACHE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.report import Report

SETTINGS = """
[registry]
enabled = true

[hosts]
enabled = true

[sessions]
enabled = true
"""
SHOUT: dict[str, Any] = {
    "name": "shout",
    "description": "Writes a text in capitals.",
    "effects": "read_only",
    "parameters": {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string"}},
    },
    "argv": ["/usr/bin/tr", "a-z", "A-Z"],
    "stdin": "{text}",
    "result": "text",
}
WORKFLOW = {
    "name": "evaluate",
    "steps": [
        {
            "name": "values",
            "tool": "calculate",
            "for_each": "{{inputs.expressions}}",
            "arguments": {"expression": "{{item}}"},
        },
        {
            "name": "total",
            "tool": "calculate",
            "needs": ["values"],
            "arguments": {"expression": "{{values[0].value}} + {{values[1].value}}"},
        },
    ],
    "outputs": {"values": "{{values[].value}}", "total": "{{total.value}}"},
}


@hosted(effects="read_only")
def residents(city: str) -> int:
    """
    How many people live in a city; known to the program of the client alone.
    """
    return {"Oslo": 720_000, "Rome": 2_750_000}[city]


@contextlib.contextmanager
def registering() -> Iterator[Client]:
    """
    The service and a client of it, for as long as the context lasts.
    """
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=CACHE) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with start_server(folder, SETTINGS) as server, Client(server.target) as client:
            yield client


def show_registry(report: Report) -> None:
    """
    A tool registered, one hosted, a session, a batch and a workflow.
    """
    with registering() as client:
        report.title("the registry: a tool is registered while the service runs")
        _registered(client, report)
        report.title("the registry: a tool that lives at the client, outside every cell")
        _hosted(client, report)
        report.title(
            "a session: files and an interpreter that last; a call without it sees nothing"
        )
        _session(client, report)
        report.title("several calls in one, and a workflow of them")
        _batch(client, report)
        _workflow(client, report)


def _outcome(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """
    How a call ends, or why it is refused.
    """
    try:
        return client.run(tool, arguments).label
    except errors.CallRefused as exc:
        return exc.reason


def _registered(client: Client, report: Report) -> None:
    text = {"text": "hello"}
    before = _outcome(client, "shout", text)
    report.check("before, nobody knows it", expected="UNKNOWN_TOOL", actual=before)
    client.registry.register([SHOUT])
    result = client.run("shout", text)
    report.check("registered, it runs", expected="HELLO", actual=result.value)
    assert result.isolation is not None
    strong = result.isolation.level >= pb.ISOLATION_LEVEL_STRONG
    report.check("in a cell as strong as any", expected=True, actual=strong)
    found = client.search_tools("make my text shout", max_results=1).tools[0].tool.name
    report.check("a search finds it", expected="shout", actual=found)
    [stats] = client.tool_stats("shout")
    report.check("its calls are counted", expected=1, actual=stats.calls)
    client.registry.unregister("shout")
    after = _outcome(client, "shout", text)
    report.check("unregistered, it is gone", expected="UNKNOWN_TOOL", actual=after)


def _hosted(client: Client, report: Report) -> None:
    with client.hosting(residents):
        result = client.run("residents", {"city": "Oslo"})
        report.check("its function answers", expected=720_000, actual=result.value)
        assert result.isolation is not None
        level = pb.IsolationLevel.Name(result.isolation.level)
        report.check("and says no wall", expected="ISOLATION_LEVEL_NONE", actual=level)
        wrong = _outcome(client, "residents", {"city": 1})
        report.check("its schema is enforced", expected="ARGUMENTS_INVALID", actual=wrong)
    after = _outcome(client, "residents", {"city": "Oslo"})
    report.check("with the client it goes", expected="UNKNOWN_TOOL", actual=after)


def _session(client: Client, report: Report) -> None:
    with client.session() as session:
        session.upload("sales.csv", b"20\n22\n")
        first = "rows = [int(line) for line in open('sales.csv')]"
        session.run("run_python", {"code": first, "stateful": True})
        result = session.run("run_python", {"code": "print(sum(rows))", "stateful": True})
        report.check("the second call knows the first's", expected="42", actual=_printed(result))
        beside = client.run("run_python", {"code": "print(open('sales.csv').read())"})
        unseen = "FileNotFoundError" in beside.stderr.decode()
        report.check("a call beside it finds no file", expected=True, actual=unseen)
        session_id = session.session_id
    try:
        client.sessions.get(session_id)
    except errors.CallRefused as exc:
        report.check("with the block it is gone", expected="UNKNOWN_SESSION", actual=exc.reason)
    else:
        report.check("with the block it is gone", expected="UNKNOWN_SESSION", actual="it is there")


def _printed(result: Result) -> str:
    return str(result.value["stdout"]).strip()


def _batch(client: Client, report: Report) -> None:
    calls = [("calculate", {"expression": text}) for text in ("6*7", "6/0")]
    with client.batch([*calls, ("nothing", {})]) as batch:
        endings = batch.results().values()
    told = [getattr(each, "label", None) or getattr(each, "reason", None) for each in endings]
    expected = ["completed", "failed", "UNKNOWN_TOOL"]
    report.check("each call of a batch ends by itself", expected=expected, actual=told)


def _workflow(client: Client, report: Report) -> None:
    wrong = client.workflows.validate({**WORKFLOW, "outputs": {"total": "{{sum.value}}"}})
    report.check("a wrong one is found before it runs", expected=1, actual=len(wrong))
    report.tell(f"{wrong[0].path}: {wrong[0].message}")
    client.workflows.define(WORKFLOW)
    run = client.workflows.run("evaluate", {"expressions": ["6*7", "6+7"]})
    done = run.result().outputs
    report.check("it evaluates", expected={"values": [42, 13], "total": 55}, actual=done)
