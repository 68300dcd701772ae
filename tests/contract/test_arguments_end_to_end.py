"""
Real tools over a real socket: what is done to arguments, what is refused, what is reported.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import SECONDS, PlainCalls, Refused
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = '''
from typing import Any, Literal

from toolcell_worker import reads, tool


@tool(
    fill_defaults=True,
    drop_nulls=True,
    transforms={"/name": ["trim", "lower", "max_length:8"]},
    screens={"/name": ["sql", "html"]},
)
def greet(name: str, times: int = 2) -> dict[str, Any]:
    """
    Greet somebody.
    """
    return {"name": name, "times": times}


@tool(screens={"/text": ["shell"]}, screen_action="report")
def run(text: str) -> str:
    """
    Say it.
    """
    return text


@tool(paths=[reads("{path}")], transforms={"/path": ["trim"]}, screens={"/path": ["path"]})
def read(path: str) -> str:
    """
    Read a file.
    """
    with open(path) as file:
        return file.read()


@tool(result_screens=["html"], result_action="refuse")
def page(text: str) -> str:
    """
    Make a page.
    """
    return text
'''
COMMAND = """
name = "spoken"
description = "Says its arguments."
argv = ["/bin/cat"]
stdin = "json"
fill_defaults = true
[parameters]
type = "object"
"$schema" = "http://json-schema.org/draft-07/schema#"
[parameters.properties]
when = { type = "string", format = "date-time", default = "2024-01-01T00:00:00Z" }
"""
SETTINGS = """
[policy]
roots = [{{ path = "{0}/data" }}]

[[screens]]
tool = "greet"
at = "/name"
kinds = ["template"]

[[bundles]]
name = "mine"
path = "{0}/tools"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("arguments")
    for name in ("tools", "server", "data"):
        (folder / name).mkdir()
    (folder / "tools" / "greeting.py").write_text(TOOLS)
    (folder / "tools" / "spoken.toml").write_text(COMMAND)
    (folder / "data" / "a.txt").write_text("content")
    with start_server(folder / "server", SETTINGS.format(folder)) as running:
        yield running


@pytest.fixture
def calls(server: Server) -> Iterator[PlainCalls]:
    made = PlainCalls(server.target)
    with made.channel:
        yield made


def result(calls: PlainCalls, tool: str, **arguments: Any) -> Any:
    finished = calls.run(tool, json.dumps(arguments).encode()).finished
    assert "completed" == finished.outcome.WhichOneof("kind"), finished
    return json.loads(finished.result_json)


def refusal(calls: PlainCalls, tool: str, **arguments: Any) -> Refused:
    data = json.dumps(arguments).encode()
    return calls.refused(pb.RunRequest(tool=tool, arguments_json=data))


def test_the_tool_gets_what_was_prepared(calls: PlainCalls) -> None:
    assert {"name": "ann", "times": 2} == result(calls, "greet", name="  ANN ", times=None)
    assert {"name": "abcdefgh", "times": 3} == result(calls, "greet", name="abcdefghij", times=3)


def test_a_draft_07_schema_and_its_defaults_reach_a_command(calls: PlainCalls) -> None:
    """
    And its formats are asserted.
    """
    assert {"when": "2024-01-01T00:00:00Z"} == result(calls, "spoken")
    refused = refusal(calls, "spoken", when="yesterday")

    assert "ARGUMENTS_INVALID" == refused.reason
    assert "date-time" in refused.message


def test_the_grant_is_of_the_path_that_the_tool_gets(calls: PlainCalls, server: Server) -> None:
    """
    Blanks around it are gone before anything is granted.
    """
    path = server.log.parents[1] / "data" / "a.txt"

    assert "content" == result(calls, "read", path=f"  {path} ")


INJECTIONS = [("' or 1=1", "sql"), ("<script>", "html"), ("{{7*7}}", "template")]


@pytest.mark.parametrize(("name", "kind"), INJECTIONS)
def test_an_injection_is_refused(calls: PlainCalls, name: str, kind: str) -> None:
    """
    By the screens of the tool and by those of the operator; nothing ran.
    """
    refused = refusal(calls, "greet", name=name)

    assert ("INVALID_ARGUMENT", "SCREENED") == (refused.code, refused.reason)
    assert kind == refused.metadata["kind"]
    assert ["arguments_json/name"] == refused.fields
    assert name not in refused.message


def test_a_report_reaches_the_stream_the_log_and_the_metrics(
    calls: PlainCalls, server: Server
) -> None:
    request = pb.ExecuteRequest(tool="run", arguments_json=b'{"text": "a; cat /etc/passwd"}')
    events = list(calls.executions.Execute(request, timeout=SECONDS))
    [denied] = [event.denied for event in events if event.HasField("denied")]
    metrics = server.scrape()

    assert ("screen", "arguments_json/text", "shell", True) == (
        denied.operation,
        denied.target,
        denied.reason,
        denied.reported_only,
    )
    assert "completed" == events[-1].finished.outcome.WhichOneof("kind")
    assert 'toolcell_screened_total{action="reported",kind="shell"}' in metrics
    assert "screened" in server.log.read_text()
    assert "cat /etc/passwd" not in server.log.read_text()


def test_a_unary_call_is_told_of_a_report_too(calls: PlainCalls) -> None:
    ran = calls.run("run", b'{"text": "a; cat /etc/passwd"}')

    assert ["screen"] == [denied.operation for denied in ran.denials]


def test_a_result_that_acts_is_withheld(calls: PlainCalls) -> None:
    ran = calls.run("page", b'{"text": "<script>x()</script>"}')

    assert "ResultScreened" == ran.finished.outcome.failed.exception
    assert b"" == ran.finished.result_json
    assert "<b>fine</b>" == result(calls, "page", text="<b>fine</b>")


def test_a_call_that_is_only_checked_is_screened_too(calls: PlainCalls) -> None:
    request = pb.RunRequest(tool="greet", arguments_json=b'{"name": "{{7*7}}"}', validate_only=True)

    assert "SCREENED" == calls.refused(request).reason
