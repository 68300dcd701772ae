"""
What seccomp refuses is seen by the server, whatever the tool says; and file operations are counted.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_server import start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.observing import DENIALS_OF_A_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server
    from toolcell_client import Client
    from toolcell_client.result import Result

WATCHED = Path(__file__).parent / "bundles" / "watched"
TRACED = ("seccomp", "ptrace", "PTRACE_ATTACH of process 1", "not_allowed", "observed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = f'[[bundles]]\nname = "watched"\npath = "{WATCHED}"\n'
    with start_server(tmp_path_factory.mktemp("server"), settings) as one:
        yield one


def words(denied: pb.Denied) -> tuple[str, str, str, str, str]:
    wall = pb.Wall.Name(denied.wall).removeprefix("WALL_").lower()
    evidence = pb.Evidence.Name(denied.evidence).removeprefix("EVIDENCE_").lower()
    return wall, denied.operation, denied.target, denied.reason, evidence


def told(result: Result) -> list[tuple[str, str, str, str, str]]:
    return [words(denied) for denied in result.denials]


def test_a_refused_call_is_told_even_if_the_tool_keeps_it_to_itself(client: Client) -> None:
    """
    The tool completed, and an operator still wants to know what it tried.
    """
    result = client.run("swallow")

    assert ("completed", 1) == (result.label, result.value)  # EPERM
    assert [TRACED] == told(result)


def test_a_program_in_a_cell_is_watched_like_a_tool(client: Client) -> None:
    """
    Nothing of ours runs in it that could report anything.
    """
    result = client.run("unsharing", {"ending": "0"})

    assert ("completed", "stayed\n") == (result.label, result.value)
    assert [("seccomp", "unshare", "CLONE_NEWUSER", "not_allowed", "observed")] == told(result)


def test_an_ending_in_error_carries_what_was_seen_and_what_to_do(client: Client) -> None:
    """
    A shell says "exit code 3" and no more.
    """
    result = client.run("unsharing", {"ending": "3"})

    seen = ("seccomp", "unshare", "CLONE_NEWUSER", "not_allowed", "observed")
    assert ("failed", 3) == (result.label, result.outcome.failed.exit_code)
    assert [seen] == [words(denied) for denied in result.outcome.denials]
    assert "unshare (CLONE_NEWUSER)" in result.outcome.hint


def test_what_was_seen_wins_over_what_the_tool_says(client: Client) -> None:
    """
    Of the same operation there is one story; what we cannot see is still called a report.
    """
    result = client.run("deny_it")

    seen = ("seccomp", "socket", "AF_INET SOCK_STREAM", "no_network", "observed")
    reported = ("landlock", "open", "/not/granted", "not_granted", "reported_by_tool")
    assert "failed" == result.label
    assert [seen, reported] == told(result)
    assert seen in [words(denied) for denied in result.outcome.denials]
    assert "a friendly neighbour" not in str(result.outcome)


def test_what_a_tool_only_says_stays_a_report(client: Client) -> None:
    """
    It could lie, and the caller must see that.
    """
    result = client.run("only_say_so")

    reported = ("seccomp", "ptrace", "the server", "not_allowed", "reported_by_tool")
    assert [reported] == told(result)


def test_a_tool_cannot_flood_the_stream_with_refusals(client: Client) -> None:
    """
    Each is refused; the first few of a kind are told.
    """
    result = client.run("try_many", {"kinds": 100})

    assert ("completed", 100) == (result.label, result.value)
    assert DENIALS_OF_A_KIND == len(result.denials)


def test_a_tool_that_asks_without_end_is_ended_by_its_wall_clock_and_harms_nobody(
    client: Client,
) -> None:
    """
    The answers come from the loop that serves everybody.
    """
    with client.execute("hammer", {"threads": 4}, limits={"wall_seconds": 4}) as hammering:
        next(event for event in hammering if event.WhichOneof("event") == "output")
        beside = [client.run("make_files", {"count": 1}).label for _ in range(10)]
        result = hammering.result()

    assert ["completed"] * 10 == beside
    assert "exceeded(wall)" == result.label


def test_who_still_asks_when_the_tool_ends_does_not_hold_it_up(
    client: Client, server: Server
) -> None:
    """
    The cell is over when its tool is, and its listener is given back.
    """
    before = listeners(server)
    results = [client.run("leave_asking") for _ in range(5)]

    assert ["ended"] * 5 == [result.value for result in results]
    assert before == listeners(server)


def test_a_neighbour_with_descriptors_under_way_keeps_nobody_from_starting(client: Client) -> None:
    """
    The kernel counts them for all processes of a user; without root all cells are one.
    """
    with client.execute("keep_under_way") as keeping:
        next(event for event in keeping if event.WhichOneof("event") == "output")
        beside = [client.run("swallow") for _ in range(3)]
        keeping.cancel()

    assert ["completed"] * 3 == [result.label for result in beside]
    assert [[TRACED]] * 3 == [told(result) for result in beside]


def listeners(server: Server) -> int:
    folder = Path(f"/proc/{server.process.pid}/fd")
    links = [os.readlink(entry) for entry in folder.iterdir() if entry.is_symlink()]
    return links.count("anon_inode:seccomp notify")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="another architecture's calls")
def test_a_call_of_another_architecture_is_named(client: Client) -> None:
    """
    The wall ends the tool over it.
    """
    result = client.run("foreign_call")

    assert ("violated(seccomp)", "getpid of x32") == (result.label, result.outcome.violated.what)


@pytest.mark.parametrize(
    ("tool", "count", "limits", "expected"),
    [
        pytest.param("make_files", 5, {"file_operations": 5}, "completed", id="as many as allowed"),
        pytest.param("make_files", 6, {"file_operations": 5}, "exceeded", id="one more"),
        pytest.param(
            "make_files", 1, {"file_operations": 1}, "completed", id="the smallest budget"
        ),
        pytest.param("make_few_files", 3, {}, "completed", id="as many as the tool asks for"),
        pytest.param("make_few_files", 4, {}, "exceeded", id="more than the tool asks for"),
        pytest.param("make_few_files", 3, {"file_operations": 2}, "exceeded", id="the call's"),
        pytest.param("make_files", 2000, {}, "completed", id="nobody counts"),
        pytest.param("make_files", 2000, {"file_operations": 2000}, "completed", id="a large one"),
    ],
)
def test_a_budget_of_file_operations_is_exact(
    client: Client, tool: str, count: int, limits: dict[str, int], expected: str
) -> None:
    """
    One too many is never made.
    """
    result = client.run(tool, {"count": count}, limits=limits)

    assert expected == result.kind
    budget = limits.get("file_operations", 3 if tool == "make_few_files" else 0)
    assert min(count, budget) == result.usage.file_operations
    if expected == "exceeded":
        exceeded = result.outcome.exceeded
        assert (pb.LIMIT_FILE_OPERATIONS, budget) == (exceeded.limit, exceeded.allowed)
        assert "files" in result.outcome.hint
