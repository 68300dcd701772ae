"""
Bad calls by hand: the command says what is wrong in a line or two, with a stable exit code.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import toolcell
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import Client, as_tool_message
from toolcell_client.errors import (
    CallRefused,
    GrantTooWide,
    InvalidArguments,
    InvalidCall,
    IsolationBelowFloor,
    LimitAboveCeiling,
    OverQuota,
    PathNotAllowed,
    SwitchedOff,
    UnknownExecution,
    UnknownTool,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USAGE, UNREACHABLE, REFUSED = 2, 3, 4
LONGEST_COMPLAINT = 2000  # characters; a screen, not a scroll
SETTINGS = """
[policy]
roots = [{{ path = "{0}/open" }}]
commands = false
tools_disabled = ["system_info"]
"""


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bad_command_lines")
    (folder / "open").mkdir()
    with start_server(folder, SETTINGS.format(folder)) as one:
        yield one


@pytest.fixture
def server(one_server: Server) -> Iterator[Server]:
    """
    The server; its log must tell of no accident.
    """
    yield one_server
    assert "Traceback" not in one_server.log.read_text()


def check(server: Server, words: list[str], code: int, says: tuple[str, ...], **more: Any) -> None:
    ended = toolcell(server.target, *words, **more)

    assert (code, "") == (ended.returncode, ended.stdout), ended.stderr
    assert [] == [text for text in says if text not in ended.stderr], ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr) <= LONGEST_COMPLAINT
    if code != USAGE:
        assert ended.stderr.startswith("toolcell: ")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["call", "calcuate"], REFUSED, ("use one of these: calculate",), id="tool"),
        pytest.param(
            ["call", "calculate", "--version", "9"], REFUSED, ("version '9'", "1"), id="version"
        ),
        pytest.param(
            ["call", "calculate", "-d", "{'expression'"], REFUSED, ("line 1, column 2",), id="JSON"
        ),
        pytest.param(
            ["call", "calculate", "-d", '{"expression": NaN}'], REFUSED, ("/expression",), id="NaN"
        ),
        pytest.param(
            ["call", "calculate", "-d", '{"a": 1, "a": 2}'], REFUSED, ("twice",), id="duplicate"
        ),
        pytest.param(
            ["call", "calculate", "-d", "\udcff"], REFUSED, ("not UTF-8",), id="not UTF-8"
        ),
        pytest.param(
            ["call", "calculate", "expresion=1"], USAGE, ("did you mean expression?",), id="name"
        ),
        pytest.param(
            ["call", "current_time", "timezone=3", "--limit", "memory=1TiB"],
            USAGE,
            ("gib",),
            id="unit",
        ),
        pytest.param(
            ["call", "current_time", "--limit", "memory=9GiB"],
            REFUSED,
            ("limits.memory_bytes", "at most"),
            id="a limit above the tool's",
        ),
        pytest.param(
            ["call", "current_time", "--limit", "network_bytes=99999999999"],
            REFUSED,
            ("limits.network_bytes", "at most"),
            id="a limit of the network above the tool's",
        ),
        pytest.param(["call", "read_file", "path=/etc/passwd"], REFUSED, ("/open",), id="path"),
        pytest.param(["call", "read_file", "path=x"], REFUSED, ("begin it with /",), id="relative"),
        pytest.param(["call", "read_file", "path"], USAGE, ("key=value",), id="no pair"),
        pytest.param(["call", "read_file", "max_lines=x"], USAGE, ("integer",), id="no number"),
        pytest.param(
            ["call", "current_time", "--minimum-isolation", "best"], USAGE, ("strong",), id="level"
        ),
        pytest.param(["call", "current_time", "--timeout", "-1"], USAGE, ("positive",), id="time"),
        pytest.param(["call", "current_time", "-d", "@/nowhere"], USAGE, ("/nowhere",), id="file"),
        pytest.param(["call", "current_time", "--label", "x"], USAGE, ("KEY=VALUE",), id="label"),
        pytest.param(["call", "system_info"], REFUSED, ("switched off",), id="switched off"),
        pytest.param(["call", "text_stats", "text=x"], REFUSED, ("commands",), id="commands off"),
        pytest.param(["tools", "describe", "nothing"], REFUSED, ("'nothing'",), id="describe"),
        pytest.param(["watch", "nobody"], REFUSED, ("'nobody'",), id="watch"),
        pytest.param(["cancel", "nobody"], REFUSED, ("'nobody'",), id="cancel"),
        pytest.param(["ps", "--most", "many"], USAGE, ("many",), id="ps"),
        pytest.param(["clal"], USAGE, ("clal",), id="no such command"),
    ],
)
def test_a_bad_command_line_is_answered_in_words(
    server: Server, words: list[str], code: int, says: tuple[str, ...]
) -> None:
    """
    Scripts read the exit code, people the line; a traceback helps neither.
    """
    check(server, words, code, says)


def test_a_call_that_the_server_cannot_receive_says_what_to_do(server: Server) -> None:
    """
    It is gRPC that refuses it, before any code of ours, in its own words, which know no remedy.
    """
    data = '{"expression": "' + "1" * 17 * 2**20 + '"}'

    check(server, ["call", "calculate", "-d", "-"], REFUSED, ("Send less",), input=data)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("", id="a port where nobody listens"),
        pytest.param("nowhere.invalid:50051", id="a host that does not exist"),
        pytest.param("127.0.0.1:port", id="a port that is no number"),
    ],
)
def test_a_server_that_is_not_there_is_named(target: str) -> None:
    """
    The commonest mistake of all: it is not running, or it runs elsewhere.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        target = target or f"127.0.0.1:{taken.getsockname()[1]}"
        ended = toolcell(target, "ps")

    assert (UNREACHABLE, "") == (ended.returncode, ended.stdout)
    assert (
        f"toolcell: no toolcell server at {target}; start one with: toolcell serve\n"
        == ended.stderr
    )


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        pytest.param(lambda c: c.run("calcuate"), UnknownTool, id="an unknown tool"),
        pytest.param(lambda c: c.run("calculate", b"{"), InvalidArguments, id="no JSON"),
        pytest.param(lambda c: c.run("calculate", {}), InvalidArguments, id="one is missing"),
        pytest.param(
            lambda c: c.run("calculate", {"expression": "1" * 2**21}), InvalidArguments, id="large"
        ),
        pytest.param(
            lambda c: c.run("calculate", b" " * 17 * 2**20), OverQuota, id="larger than received"
        ),
        pytest.param(
            lambda c: c.run("current_time", limits={"processes": 9999}),
            LimitAboveCeiling,
            id="limit",
        ),
        pytest.param(
            lambda c: c.run("current_time", limits={"connections": 9999}),
            LimitAboveCeiling,
            id="limit of the network",
        ),
        pytest.param(
            lambda c: c.run("current_time", grants={"paths": ["/x"]}), GrantTooWide, id="grants"
        ),
        pytest.param(
            lambda c: c.run("read_file", {"path": "/etc/passwd"}), PathNotAllowed, id="a path"
        ),
        pytest.param(
            lambda c: c.run("current_time", minimum_isolation="full"),
            IsolationBelowFloor,
            id="floor",
        ),
        pytest.param(lambda c: c.run("current_time", call_id="x" * 300), InvalidCall, id="call_id"),
        pytest.param(lambda c: c.run("system_info"), SwitchedOff, id="a tool switched off"),
        pytest.param(lambda c: c.execute("calcuate").result(), UnknownTool, id="in a stream"),
        pytest.param(lambda c: c.watch("nobody").result(), UnknownExecution, id="watching nobody"),
        pytest.param(lambda c: c.cancel("nobody"), UnknownExecution, id="cancelling nobody"),
        pytest.param(lambda c: c.get_tool("calcuate"), UnknownTool, id="describing"),
    ],
)
def test_the_client_raises_what_happened(
    server: Server, call: Callable[[Client], object], kind: type[CallRefused]
) -> None:
    """
    Code catches a class; a model reads one short text that says what to do instead.
    """
    with Client(server.target) as client:
        if kind is IsolationBelowFloor and _is_full(client):
            pytest.skip("cells on this host are isolated in full: nothing is above it")
        with pytest.raises(kind) as refused:
            call(client)

    assert kind is type(refused.value)
    assert refused.value.hint == as_tool_message(refused.value)["hint"] != ""


def _is_full(client: Client) -> bool:
    isolation = client.run("current_time").isolation
    return isolation is not None and isolation.level == pb.ISOLATION_LEVEL_FULL
