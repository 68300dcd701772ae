"""
Real cells and a real socket: a secret that a tool holds leaves the server on no way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import SECONDS, PlainCalls
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cret/Value+42"
TOOLS = f'''
import base64
import logging
import sys
import time
import urllib.parse

from toolcell_worker import Context, tool

SECRET = {SECRET!r}


@tool
def printed(half: int) -> int:
    """
    Print it in two writes.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.write("before " + SECRET[:half])
        stream.flush()
        time.sleep(0.02)  # long enough to be read before the other half: the control says so
        stream.write(SECRET[half:] + " after")
        stream.flush()
    return half


@tool
def returned() -> dict[str, str]:
    """
    Return it in some forms.
    """
    basic = base64.b64encode(("user:" + SECRET).encode()).decode()
    return {{"plain": SECRET, "quoted": urllib.parse.quote(SECRET, safe=""), "basic": basic,
            "PassWord": "hunter2", "kept": "word"}}


@tool
def raised() -> None:
    """
    Raise it.
    """
    raise ValueError("cannot log in with " + SECRET)


@tool
def logged(context: Context) -> None:
    """
    Log it, and tell it as progress.
    """
    context.log("using " + SECRET)
    context.progress(0.5, "with " + SECRET)


@tool
def yielded():
    """
    Yield it.
    """
    yield {{"token": SECRET}}


@tool(redact_keys=["api_key"])
def keyed() -> dict[str, str]:
    """
    Return a declared key.
    """
    return {{"API_KEY": "abc", "other": "def"}}


@tool
def shaped() -> str:
    """
    Return what looks like a token.
    """
    return "token ghp_" + "a1B2" * 10 + " and acme_" + "7" * 24 + "."
'''
SETTINGS = """
[redaction]
keys = ["password"]
builtin_patterns = true
values = [{{ file = "{0}/secret" }}]
patterns = [{{ name = "acme", prefix = "acme_", characters = "A-Za-z0-9", minimum = 24 }}]

[[bundles]]
name = "mine"
path = "{0}/tools"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("redacting")
    (folder / "tools").mkdir()
    (folder / "tools" / "leaking.py").write_text(TOOLS)
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "server").mkdir()
    with start_server(folder / "server", SETTINGS.format(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def unredacted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    The positive control: the same tools where nothing is to be redacted.
    """
    folder = tmp_path_factory.mktemp("plain")
    (folder / "tools").mkdir()
    (folder / "tools" / "leaking.py").write_text(TOOLS)
    (folder / "server").mkdir()
    bundle = f'[[bundles]]\nname = "mine"\npath = "{folder}/tools"\n'
    with start_server(folder / "server", bundle) as running:
        yield running


def events(of: Server, tool: str, **arguments: Any) -> list[pb.ExecuteResponse]:
    calls = PlainCalls(of.target)
    with calls.channel:
        request = pb.ExecuteRequest(tool=tool, arguments_json=json.dumps(arguments).encode())
        return list(calls.executions.Execute(request, timeout=SECONDS))


def output(told: list[pb.ExecuteResponse], stream: pb.OutputStream.ValueType) -> bytes:
    return b"".join(event.output.data for event in told if event.output.stream == stream)


@pytest.mark.parametrize("half", [1, 7, len(SECRET) - 1])
def test_a_secret_that_is_printed_in_two_halves_is_redacted(server: Server, half: int) -> None:
    """
    On both streams, wherever it is cut; nothing else is lost.
    """
    told = events(server, "printed", half=half)

    for stream in (pb.OUTPUT_STREAM_STDOUT, pb.OUTPUT_STREAM_STDERR):
        assert b"before [redacted] after" == output(told, stream)
    assert "completed" == told[-1].finished.outcome.WhichOneof("kind")


def test_without_redaction_it_would_be_seen(unredacted: Server) -> None:
    """
    The positive control of all the others.
    """
    told = events(unredacted, "printed", half=7)
    failed = events(unredacted, "raised")[-1].finished.outcome

    pieces = [event.output.data for event in told if event.HasField("output")]
    assert SECRET.encode() in output(told, pb.OUTPUT_STREAM_STDOUT)
    assert [] == [piece for piece in pieces if SECRET.encode() in piece]
    assert SECRET in failed.message
    assert SECRET in unredacted.log.read_text()


def test_a_result_holds_no_secret_in_any_form(server: Server) -> None:
    finished = events(server, "returned")[-1].finished
    result = json.loads(finished.result_json)

    assert ("[redacted]", "[redacted]", "[redacted]", "word") == tuple(
        result[key] for key in ("plain", "quoted", "PassWord", "kept")
    )
    assert "[redacted]" in result["basic"]
    assert finished.result_bytes == len(finished.result_json)


def test_messages_tracebacks_and_the_log_of_the_server_hold_no_secret(server: Server) -> None:
    outcome = events(server, "raised")[-1].finished.outcome

    assert "cannot log in with [redacted]" in outcome.message
    assert "ValueError" in outcome.failed.traceback
    assert SECRET not in str(outcome)
    assert "cannot log in with [redacted]" in server.log.read_text()
    assert SECRET not in server.log.read_text()


@pytest.mark.parametrize("tool", ["logged", "yielded"])
def test_nothing_else_that_a_tool_says_holds_it(server: Server, tool: str) -> None:
    told = events(server, tool)

    assert "[redacted]" in str(told)
    assert SECRET not in str(told)


def test_keys_of_the_tool_and_shapes_of_the_operator_are_redacted(server: Server) -> None:
    keyed = events(server, "keyed")[-1].finished.result_json
    shaped = events(server, "shaped")[-1].finished.result_json

    assert {"API_KEY": "[redacted]", "other": "def"} == json.loads(keyed)
    assert "token [redacted] and [redacted]." == json.loads(shaped)


def test_the_tails_of_a_unary_call_are_redacted(server: Server) -> None:
    calls = PlainCalls(server.target)
    with calls.channel:
        ran = calls.run("printed", b'{"half": 5}')

    assert b"before [redacted] after" == ran.stdout_tail == ran.stderr_tail
    assert ran.finished.usage.stdout_bytes == len(f"before {SECRET} after")
