"""
Bad calls: each gets a clear and specific answer, nothing runs, and the service goes on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.duration_pb2 import Duration
from plain_calls import PlainCalls
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEBIBYTE = 2**20
BRACKETS = 100_000
LONGEST_MESSAGE = 1024  # bytes
LARGEST_TRAILERS = 8 * 1024  # bytes; beyond, a transport may replace the whole error
DIGITS = b"9" * 5000
TOOLS = '''
import os

from toolcell_worker import reads, tool, writes


@tool(effects="read_only")
def echo(text: str, count: int = 1) -> str:
    """
    Say it again.
    """
    return text * count


@tool(effects="read_only", minimum_isolation="full")
def careful() -> str:
    """
    Run behind every wall, or not at all.
    """
    return "all of them are up"


@tool(paths=[reads("{source}"), writes("{target}")])
def copy(source: str, target: str) -> int:
    """
    Copy a file.
    """
    with open(source, "rb") as old, open(target, "wb") as new:
        return new.write(old.read())
'''
SETTINGS = """
[policy]
roots = [{{ path = "{0}/open", access = "write" }}, {{ path = "{0}/read" }}]
denied_paths = ["{0}/open/denied"]
tools_disabled = ["system_info"]

[[bundles]]
name = "mine"
path = "{0}/tools"
"""


@dataclass(frozen=True)
class Served:
    """
    A server, calls of it, and the folder that holds its roots `open` and `read`.
    """

    server: Server
    calls: PlainCalls
    folder: Path


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("bad_input")
    for name in ("open/denied", "read", "tools", "server"):
        (folder / name).mkdir(parents=True)
    for name in ("open/a.txt", "open/b.txt", "open/denied/c.txt", "read/d.txt", "e.txt"):
        (folder / name).write_text("content\n")
    (folder / "open/link.txt").symlink_to("b.txt")
    (folder / "open/folder").symlink_to("denied")
    (folder / "tools/tools.py").write_text(TOOLS)
    with start_server(folder / "server", SETTINGS.format(folder)) as server:
        calls = PlainCalls(server.target)
        with calls.channel:
            yield Served(server, calls, folder)


@pytest.fixture
def served(one_server: Served) -> Iterator[Served]:
    """
    The server; after each test it must still serve, and its log must tell of no accident.
    """
    yield one_server
    answer = one_server.calls.run("calculate", b'{"expression": "6 * 7"}')
    assert answer.finished.outcome.HasField("completed")
    assert "Traceback" not in one_server.server.log.read_text()


@dataclass(frozen=True)
class Refusal:
    """
    What a caller is to be told: the code, the reason, and words that the message must hold.
    """

    code: str
    reason: str
    says: tuple[str, ...]


def not_allowed(*says: str) -> Refusal:
    return Refusal("PERMISSION_DENIED", "PATH_NOT_ALLOWED", says)


def invalid(*says: str) -> Refusal:
    return Refusal("INVALID_ARGUMENT", "ARGUMENTS_INVALID", says)


def too_wide(*says: str) -> Refusal:
    return Refusal("INVALID_ARGUMENT", "GRANT_TOO_WIDE", says)


def check(served: Served, request: Any, expected: Refusal) -> None:
    """
    Check a refusal: for machines, for people, and for the size of trailers.
    """
    refused = served.calls.refused(request)

    assert (expected.code, expected.reason) == (refused.code, refused.reason), refused.message
    assert [] == [words for words in expected.says if words not in refused.message], refused.message
    assert refused.metadata["hint"]
    assert "Traceback" not in refused.message
    assert "\n" not in refused.message
    assert len(refused.message.encode()) <= LONGEST_MESSAGE
    assert refused.size <= LARGEST_TRAILERS


BY_RUN_AND_EXECUTE = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(pb.RunRequest, id="by Run"),
        pytest.param(pb.ExecuteRequest, id="by Execute"),
    ],
)


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("tool", "version", "says"),
    [
        pytest.param("calcuate", "", ("'calcuate'", "calculate"), id="misspelt"),
        pytest.param("zzz", "", ("'zzz'", "list the tools"), id="like no other"),
        pytest.param("x" * 255, "", ("xxx…",), id="a very long name"),
        pytest.param("echo", "7", ("'echo'", "'7'", "use version 1"), id="version"),
    ],
)
def test_an_unknown_tool_is_named_with_what_to_use_instead(
    served: Served, kind: Any, tool: str, version: str, says: Any
) -> None:
    """
    A model corrects itself from the answer alone.
    """
    check(served, kind(tool=tool, version=version), Refusal("NOT_FOUND", "UNKNOWN_TOOL", says))


def test_close_matches_are_for_machines_too(served: Served) -> None:
    """
    The contract promises them in the ErrorInfo, where no text needs to be parsed.
    """
    refused = served.calls.refused(pb.RunRequest(tool="read_flie"))

    assert refused.metadata["close_matches"].split(",")[0] == "read_file"


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b'{"expression": 1 +', ("line 1, column 18", "strict JSON"), id="no JSON"),
        pytest.param(b'{"expression": "1"}{}', ("column 20",), id="two values"),
        pytest.param(b'["1"]', ("not a JSON object", "wrap"), id="an array"),
        pytest.param(b'{"expression": NaN}', ("/expression", "NaN"), id="NaN"),
        pytest.param(b'{"expression": -Infinity}', ("/expression", "Infinity"), id="infinity"),
        pytest.param(b'{"expression": 1e999}', ("/expression", "64-bit"), id="too large a number"),
        pytest.param(b'{"expression": ' + DIGITS + b"}", ("4300 digits",), id="5000 digits"),
        pytest.param(b'{"a": 1, "b": 2, "a": 3}', ('"a"', "twice"), id="a key that is there twice"),
        pytest.param(b"[" * BRACKETS, ("64 levels", "flatter"), id="100,000 open brackets"),
        pytest.param(
            b'{"expression": ' + b"[" * BRACKETS + b"]" * BRACKETS + b"}",
            ("64 levels", "flatter"),
            id="100,000 nested brackets",
        ),
        pytest.param(b'{"a":' * BRACKETS, ("64 levels",), id="100,000 nested objects"),
        pytest.param(
            rb'{"expression": "\ud800"}', ("/expression", "surrogate"), id="half a surrogate pair"
        ),
        pytest.param(rb'{"\udfff": "1"}', ("key", "surrogate"), id="half a pair in a key"),
        pytest.param(
            b'{"expression": "\xed\xa0\x80"}', ("UTF-8 at byte 16",), id="half a pair as bytes"
        ),
        pytest.param(b"\xff\xfe{\0}\0", ("UTF-8 at byte 0",), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", ("BOM",), id="a byte order mark"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_place(
    served: Served, kind: Any, data: bytes, says: Any
) -> None:
    """
    Two readers of one lenient text may understand two different calls.
    """
    request = kind(tool="calculate", arguments_json=data)

    check(served, request, Refusal("INVALID_ARGUMENT", "ARGUMENTS_NOT_JSON", says))


@BY_RUN_AND_EXECUTE
def test_ten_mebibytes_of_arguments_are_refused_by_their_size(served: Served, kind: Any) -> None:
    """
    The limit comes before parsing: size must not buy time on the server's loop.
    """
    data = json.dumps({"expression": "1" * 10 * MEBIBYTE}).encode()
    request = kind(tool="calculate", arguments_json=data)
    says = (f"{len(data)} bytes", "the limit is 1048576", "send less")

    check(served, request, Refusal("INVALID_ARGUMENT", "ARGUMENTS_TOO_LARGE", says))


@BY_RUN_AND_EXECUTE
def test_a_message_larger_than_the_server_receives_never_reaches_it(
    served: Served, kind: Any
) -> None:
    """
    It is gRPC that refuses it, so there is no ErrorInfo; the contract names the code.
    """
    request = kind(tool="calculate", arguments_json=b" " * 17 * MEBIBYTE)

    assert "RESOURCE_EXHAUSTED" == served.calls.refused(request).code


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"text": 1}, ("arguments_json/text", "must be a string"), id="a number"),
        pytest.param({"text": None}, ("arguments_json/text", "must be a string"), id="null"),
        pytest.param({"text": "x", "count": "2"}, ("/count", "an integer"), id="a digit in quotes"),
        pytest.param({"text": "x", "count": True}, ("/count", "an integer"), id="true for one"),
        pytest.param({"text": "x", "count": 1.5}, ("/count", "an integer"), id="a fraction"),
        pytest.param({}, ("arguments_json/text", "is required"), id="one is missing"),
        pytest.param({"text": "x", "txet": "y"}, ("/txet", '"count"'), id="one too many"),
        pytest.param(
            {"text": "x"} | {"k" * 1000 + str(n): n for n in range(900)},
            ("/kkk", "(and 9 more)"),
            id="nine hundred too many",
        ),
    ],
)
def test_arguments_that_fail_the_schema_are_named(
    served: Served, kind: Any, arguments: Any, says: Any
) -> None:
    """
    Which argument, and what it must be; and all that in trailers of bounded size.
    """
    request = kind(tool="echo", arguments_json=json.dumps(arguments).encode())

    check(served, request, Refusal("INVALID_ARGUMENT", "ARGUMENTS_INVALID", says))


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("limits", "reason", "says"),
    [
        pytest.param(
            pb.Limits(memory_bytes=2**40),
            "LIMIT_ABOVE_CEILING",
            ("limits.memory_bytes", str(2**40), "at most 536870912"),
            id="memory above the tool's",
        ),
        pytest.param(
            pb.Limits(wall=Duration(seconds=31)),
            "LIMIT_ABOVE_CEILING",
            ("limits.wall", "31", "at most 30"),
            id="time above the tool's",
        ),
        pytest.param(
            pb.Limits(wall=Duration(seconds=-1)),
            "INVALID_FIELD",
            ("limits.wall", "positive"),
            id="a negative time",
        ),
        pytest.param(
            pb.Limits(cpu=Duration(nanos=2_000_000_000)),
            "INVALID_FIELD",
            ("limits.cpu",),
            id="a malformed time",
        ),
        *(
            pytest.param(
                pb.Limits(**{name: 2**30}),  # type: ignore[arg-type]  # a table over names
                "LIMIT_ABOVE_CEILING",
                (f"limits.{name}",),
                id=f"{name} above the tool's",
            )
            for name in ("network_bytes", "connections")
        ),
    ],
)
def test_a_limit_can_only_be_lowered(
    served: Served, kind: Any, limits: pb.Limits, reason: str, says: Any
) -> None:
    """
    Clipped silently, the caller would plan with what it does not have.
    """
    request = kind(tool="echo", arguments_json=b'{"text": "x"}', limits=limits)

    check(served, request, Refusal("INVALID_ARGUMENT", reason, says))


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("fields", "reason", "says"),
    [
        pytest.param(
            {"approval_token": "t" * 257}, "INVALID_FIELD", ("approval_token",), id="approval_token"
        ),
        pytest.param({"session_id": "s\n"}, "INVALID_FIELD", ("session_id",), id="session_id"),
        pytest.param({"tool": ""}, "INVALID_FIELD", ("tool", "name a tool"), id="no tool"),
        pytest.param({"tool": "a\x1b[31m"}, "INVALID_FIELD", ("control",), id="escape sequences"),
        pytest.param({"tool": "x" * 256}, "INVALID_FIELD", ("255",), id="a name without end"),
        pytest.param({"call_id": "x" * 257}, "INVALID_FIELD", ("call_id", "256"), id="call_id"),
        pytest.param({"request_id": "ü" * 128}, "INVALID_FIELD", ("255 bytes",), id="request_id"),
        pytest.param(
            {"labels": {str(n): "" for n in range(17)}}, "INVALID_FIELD", ("16",), id="labels"
        ),
        pytest.param(
            {"labels": {"": "x"}}, "INVALID_FIELD", ("empty key",), id="label without key"
        ),
        pytest.param({"minimum_isolation": 9}, "INVALID_FIELD", ("level",), id="isolation level"),
        pytest.param(
            {"timeout": Duration(seconds=-1)},
            "INVALID_FIELD",
            ("timeout", "positive"),
            id="timeout",
        ),
        pytest.param(
            {"timeout": Duration()}, "INVALID_FIELD", ("timeout", "positive"), id="no time at all"
        ),
    ],
)
def test_a_field_that_is_malformed_or_not_built_is_refused_by_name(
    served: Served, kind: Any, fields: dict[str, Any], reason: str, says: Any
) -> None:
    """
    A caller who sets a field counts on it; ignoring it would be a lie.
    """
    request = kind(**{"tool": "echo", "arguments_json": b'{"text": "x"}'} | fields)

    check(served, request, Refusal("INVALID_ARGUMENT", reason, says))


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("tool", "path", "expected"),
    [
        pytest.param("read_file", "{0}/e.txt", not_allowed("none of", "/open"), id="out"),
        pytest.param("read_file", "{0}/open.txt", not_allowed("none of"), id="beside"),
        pytest.param("read_file", "/proc/self/environ", not_allowed("denied"), id="the kernel's"),
        pytest.param("read_file", "{0}/open/denied/c.txt", not_allowed("denied"), id="denied"),
        pytest.param("list_files", "{0}/open", not_allowed("contains"), id="around it"),
        pytest.param("read_file", "{0}/open/link.txt", not_allowed("symbolic link"), id="a link"),
        pytest.param("read_file", "{0}/open/folder/c.txt", not_allowed("link"), id="behind a link"),
        pytest.param("write_file", "{0}/read/d.txt", not_allowed("reading only"), id="w"),
        pytest.param("read_file", "open/a.txt", invalid("not absolute"), id="relative"),
        pytest.param("read_file", "", invalid("not absolute"), id="empty"),
        pytest.param("read_file", "{0}/open/../e.txt", invalid(". or .."), id="dot dot out"),
        pytest.param("read_file", "{0}/open/x/../a.txt", invalid(". or .."), id="dot dot in"),
        pytest.param("read_file", "{0}/open//a.txt", invalid("//"), id="two slashes"),
        pytest.param("read_file", "{0}/open/a\0", invalid("NUL"), id="NUL"),
        pytest.param("read_file", "{0}/open/" + "a" * 5000, invalid("4095"), id="too long"),
    ],
)
def test_a_path_that_may_not_be_granted_is_refused_with_the_reason(
    served: Served, kind: Any, tool: str, path: str, expected: Refusal
) -> None:
    """
    Nothing runs, and the words say whether to name another path or another folder.
    """
    arguments = {"path": path.format(served.folder)}
    if tool == "write_file":
        arguments["content"] = "changed"
    request = kind(tool=tool, arguments_json=json.dumps(arguments).encode())

    check(served, request, expected)
    assert (served.folder / "read/d.txt").read_text() == "content\n"


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("path", "access", "expected"),
    [
        pytest.param("{0}/open/b.txt", "READ", too_wide("b.txt"), id="another file"),
        pytest.param("{0}/open", "READ", too_wide("/open'"), id="the folder of it"),
        pytest.param("{0}/open/a.txt", "WRITE", too_wide("WRITE"), id="to write in it"),
        pytest.param("{0}/open/a.txt", "STAGED", too_wide("STAGED"), id="to stage it"),
        pytest.param(
            "open/a.txt",
            "READ",
            Refusal("INVALID_ARGUMENT", "INVALID_FIELD", ("not absolute",)),
            id="no path at all",
        ),
    ],
)
def test_a_grant_can_only_be_narrowed(
    served: Served, kind: Any, path: str, access: str, expected: Refusal
) -> None:
    """
    The tool's own grant for these arguments is the widest that a call can have.
    """
    wanted = pb.PathGrant(
        path=path.format(served.folder), access=pb.PathAccess.Value(f"PATH_ACCESS_{access}")
    )
    arguments = {"path": f"{served.folder}/open/a.txt"}
    request = kind(
        tool="read_file",
        arguments_json=json.dumps(arguments).encode(),
        grants=pb.Grants(paths=[wanted]),
    )

    check(served, request, expected)


@BY_RUN_AND_EXECUTE
def test_a_domain_that_the_tool_has_not_cannot_be_asked_for(served: Served, kind: Any) -> None:
    """
    This tool has no domains, so any is more than it has.
    """
    grants = pb.Grants(domains=["example.com:443"])
    request = kind(tool="echo", arguments_json=b'{"text": "x"}', grants=grants)

    check(served, request, too_wide("example.com:443", "less"))


@BY_RUN_AND_EXECUTE
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"tool": "careful"}, ("full", "doctor"), id="demanded by the tool"),
        pytest.param(
            {
                "tool": "echo",
                "arguments_json": b'{"text": "x"}',
                "minimum_isolation": pb.ISOLATION_LEVEL_FULL,
            },
            ("full", "doctor"),
            id="demanded by the call",
        ),
    ],
)
def test_isolation_that_the_host_does_not_have_is_refused_by_wall(
    served: Served, kind: Any, fields: dict[str, Any], says: Any
) -> None:
    """
    A demand that is not met must stop the call, not become a wish.
    """
    echo = served.calls.run("echo", b'{"text": "x"}')
    if echo.finished.isolation.level == pb.ISOLATION_LEVEL_FULL:
        pytest.skip("cells on this host are isolated in full: there is nothing above it to demand")

    expected = Refusal("FAILED_PRECONDITION", "ISOLATION_BELOW_FLOOR", says)
    check(served, kind(**fields), expected)
    assert served.calls.refused(kind(**fields)).metadata["missing_wall"]


@BY_RUN_AND_EXECUTE
def test_a_tool_that_is_switched_off_is_refused(served: Served, kind: Any) -> None:
    """
    It is known, so that the caller learns whom to ask.
    """
    says = ("system_info", "switched off", "operator")

    check(served, kind(tool="system_info"), Refusal("FAILED_PRECONDITION", "SWITCHED_OFF", says))


@pytest.mark.parametrize(
    ("request_", "code", "reason", "says"),
    [
        pytest.param(
            pb.WatchRequest(execution_id="nobody"),
            "NOT_FOUND",
            "UNKNOWN_EXECUTION",
            ("'nobody'", "check the id"),
            id="watching nobody",
        ),
        pytest.param(
            pb.GetExecutionRequest(),
            "NOT_FOUND",
            "UNKNOWN_EXECUTION",
            ("''",),
            id="getting nothing",
        ),
        pytest.param(
            pb.CancelExecutionRequest(execution_id="\x1b[31m" + "x" * 10_000),
            "NOT_FOUND",
            "UNKNOWN_EXECUTION",
            (r"\x1b[31m", "x…"),
            id="cancelling an escape sequence",
        ),
        pytest.param(
            pb.ListExecutionsRequest(page_size=-1),
            "INVALID_ARGUMENT",
            "INVALID_FIELD",
            ("page_size", "negative"),
            id="a negative page",
        ),
        pytest.param(
            pb.ListExecutionsRequest(page_token="gibberish"),
            "INVALID_ARGUMENT",
            "BAD_PAGE_TOKEN",
            ("page_token", "start again"),
            id="a page token that nobody gave",
        ),
        pytest.param(
            registry_pb2.ListToolsRequest(page_token="gibberish"),
            "INVALID_ARGUMENT",
            "BAD_PAGE_TOKEN",
            ("page_token", "start again"),
            id="a page token of tools",
        ),
        pytest.param(
            registry_pb2.GetToolRequest(),
            "INVALID_ARGUMENT",
            "INVALID_FIELD",
            ("name",),
            id="describing nothing",
        ),
        pytest.param(
            registry_pb2.GetToolRequest(name="calculat"),
            "NOT_FOUND",
            "UNKNOWN_TOOL",
            ("use one of these: calculate",),
            id="describing what is misspelt",
        ),
    ],
)
def test_bad_requests_of_the_other_methods_are_refused_too(
    served: Served, request_: Any, code: str, reason: str, says: Any
) -> None:
    """
    Every method is a way in.
    """
    check(served, request_, Refusal(code, reason, says))


def test_nothing_ran_for_a_refused_call(served: Served) -> None:
    """
    "Refused" means that no execution exists, under whatever id.
    """
    before = {each.execution_id for each in _executions(served)}
    served.calls.refused(pb.RunRequest(tool="echo", arguments_json=b'{"text": 1}'))
    served.calls.refused(pb.ExecuteRequest(tool="read_file", request_id="again"))

    assert before == {each.execution_id for each in _executions(served)}


def _executions(served: Served) -> list[pb.Execution]:
    request = pb.ListExecutionsRequest(page_size=1000)
    return list(served.calls.executions.ListExecutions(request).executions)
