"""
Tools that take too much: each is ended by the limit it broke, in time, and what it said is kept.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import await_end, descendants
from toolcell_client import CallRefused

if TYPE_CHECKING:
    from running_server import Server
    from toolcell_client import Client

MEBIBYTE = 2**20
LATE_SECONDS = 15.0  # generous: the host may be busy, and the limits below are of 1 or 2 seconds
MEMORY = {"memory_bytes": 128 * MEBIBYTE}
DISK = {"disk_bytes": 4 * MEBIBYTE}


@pytest.fixture(scope="module")
def server(hostile: Server) -> Server:
    return hostile


@pytest.mark.parametrize(
    ("tool", "arguments", "limits", "expected"),
    [
        pytest.param("sleep_on", {}, {"wall_seconds": 1}, "wall", id="wall: deaf to all signals"),
        pytest.param(
            "sleep_on", {"stopped": True}, {"wall_seconds": 1}, "wall", id="wall: it stopped itself"
        ),
        pytest.param("close_everything", {}, {"wall_seconds": 1}, "wall", id="wall: all closed"),
        pytest.param("spin", {}, {"wall_seconds": 1, "cpu_seconds": 9}, "wall", id="wall: a loop"),
        pytest.param("spin", {}, {"cpu_seconds": 1}, "cpu", id="cpu: a loop"),
        pytest.param(
            "spin", {"processes": 6}, {"cpu_seconds": 2}, "cpu", id="cpu: six that are each below"
        ),
        pytest.param(
            "spin_in_turns", {}, {"cpu_seconds": 1}, "cpu", id="cpu: children that each end soon"
        ),
        pytest.param("hoard", {"mebibytes": 500}, MEMORY, "memory", id="memory: one process"),
        pytest.param(
            "hoard",
            {"mebibytes": 40, "processes": 8},
            MEMORY,
            "memory",
            id="memory: eight that are each below",
        ),
        pytest.param(
            "hoard",
            {"mebibytes": 500, "shared": True},
            DISK,
            "disk",
            id="disk: shared memory, which lies on it",
        ),
        pytest.param(
            "hoard",
            {"mebibytes": 6, "processes": 8, "shared": True},
            {"memory_bytes": 32 * MEBIBYTE},
            "memory",
            id="memory: shared, eight that are each below",
        ),
        pytest.param(
            "hoard",
            {"mebibytes": 100, "processes": 8, "catch": True},
            MEMORY,
            "memory",
            id="memory: eight that catch the error",
        ),
        pytest.param("fill", {"folder": "/tmp"}, DISK, "disk", id="disk: /tmp"),
        pytest.param("fill", {"folder": "/dev/shm"}, DISK, "disk", id="disk: /dev/shm"),
        pytest.param(
            "fill",
            {"folder": "/tmp", "descriptor": True},
            DISK,
            "disk",
            id="disk: files of no name",
        ),
        pytest.param("many_small_files", {}, DISK, "disk", id="disk: only inodes"),
        pytest.param(
            "fill",
            {"folder": "/tmp", "name": "one"},
            {"file_size_bytes": 2 * MEBIBYTE},
            "file_size",
            id="file size: one file that grows",
        ),
        pytest.param("open_many", {}, {"open_files": 64}, "open_files", id="open files"),
        pytest.param("fork_bomb", {}, {"processes": 16}, "processes", id="processes: a fork bomb"),
        pytest.param(
            "start_many_threads", {}, {"processes": 2}, "processes", id="processes: of threads"
        ),
        pytest.param(
            "print_on", {"stream": 1}, {"output_bytes": 65536}, "output", id="output: a flood"
        ),
        pytest.param(
            "print_on", {"stream": 2}, {"output_bytes": 65536}, "output", id="output: on stderr"
        ),
        pytest.param(
            "print_on",
            {"stream": 1, "piece": 7},
            {"output_bytes": 1024},
            "output",
            id="output: in small pieces",
        ),
        pytest.param("answer", {"size": 1025}, {"result_bytes": 1024}, "result", id="result"),
    ],
)
def test_a_tool_that_takes_too_much_is_ended_by_the_limit_that_it_broke(
    client: Client, tool: str, arguments: dict[str, Any], limits: dict[str, Any], expected: str
) -> None:
    """
    The model is told what to do about it, and what the tool had said before is not lost.
    """
    began = time.monotonic()
    result = client.run(tool, arguments, limits=limits)
    seconds = time.monotonic() - began

    assert f"exceeded({expected})" == result.label, result.outcome
    assert result.outcome.hint
    assert result.stdout.startswith(b"begun") or result.truncated
    assert seconds < LATE_SECONDS


@pytest.mark.parametrize(
    ("tool", "arguments", "limits"),
    [
        pytest.param("answer", {"size": 1024}, {"result_bytes": 1024}, id="result"),
        pytest.param(
            "hoard_and_return", {"mebibytes": 64}, {"memory_bytes": 128 * MEBIBYTE}, id="memory"
        ),
        pytest.param("fork_some", {"processes": 7}, {"processes": 8}, id="processes"),
    ],
)
def test_a_tool_that_stays_at_its_limit_completes(
    client: Client, tool: str, arguments: dict[str, Any], limits: dict[str, Any]
) -> None:
    """
    The other half of a limit: what is allowed is possible.
    """
    assert "completed" == client.run(tool, arguments, limits=limits).label


def test_the_time_of_a_call_ends_it_and_is_named_apart_from_the_tools_own(client: Client) -> None:
    """
    The caller can mend the one by waiting longer, the other not.
    """
    result = client.run("sleep_on", timeout=1)

    assert "exceeded(timeout)" == result.label
    assert result.outcome.retryable


def test_a_limit_above_the_tools_own_is_refused_and_not_lowered(client: Client) -> None:
    """
    Who believes in an hour and gets thirty seconds has been lied to.
    """
    with pytest.raises(CallRefused) as refused:
        client.run("sleep_on", limits={"wall_seconds": 3600})

    assert "LIMIT_ABOVE_CEILING" == refused.value.reason
    assert "wall" in str(refused.value)


def test_a_fork_bomb_does_not_keep_its_neighbour_from_forking(client: Client) -> None:
    """
    The kernel counts processes by user: two cells of one user would share one limit.
    """
    enough = threading.Event()
    bombed: list[str] = []

    def bomb() -> None:
        while not enough.is_set():
            bombed.append(client.run("fork_bomb").label)

    bombs = [threading.Thread(target=bomb) for _ in range(2)]
    for thread in bombs:
        thread.start()
    polite = [client.run("fork_some", {"processes": 7}) for _ in range(10)]
    enough.set()
    for thread in bombs:
        thread.join()

    assert [("completed", 7)] * 10 == [(result.label, result.value) for result in polite]
    assert {"exceeded(processes)"} == set(bombed)


def test_a_daemon_that_holds_the_pipes_neither_delays_the_end_nor_outlives_it(
    client: Client, server: Server
) -> None:
    """
    The end of a call is the end of its process, not of a pipe.
    """
    before = set(descendants(server.process.pid))
    began = time.monotonic()
    result = client.run("leave_a_daemon")
    seconds = time.monotonic() - began

    assert ("completed", b"begun") == (result.label, result.stdout)
    assert seconds < LATE_SECONDS
    new = set(descendants(server.process.pid)) - before
    daemons = [pid for pid in new if "S" in _state(pid) and _is_daemon(pid)]
    await_end(daemons, LATE_SECONDS)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _is_daemon(pid: int) -> bool:
    """
    Whether it ignores SIGTERM, as the tool's daemon does and nothing of ours.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    return bool(ignored & 1 << 14)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"memory_bytes": 2 * MEBIBYTE}, id="no memory to read it"),
        pytest.param({"memory_bytes": 1}, id="no memory at all"),
        pytest.param({"result_bytes": 10, "file_operations": 1}, id="no result, no file"),
    ],
)
def test_a_large_call_that_its_cell_cannot_take_ends_at_once(
    client: Client, limits: dict[str, float]
) -> None:
    """
    The server sends it while it listens to the cell, which may end, or ask, before it has it all.
    """
    for _ in range(3):  # the first makes its cell, the others find one
        arguments = {"frames": ["00" * 450_000]}
        result = client.run("forge", arguments, limits=limits, timeout=LATE_SECONDS)

        assert result.label in {"failed", "exceeded(memory)", "exceeded(result)"}, result.outcome
    assert "completed" == client.run("answer", {"size": 10}).label
