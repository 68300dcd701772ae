"""
The resources wall with a delegated control group: what the kernel counts, nobody can hide.

Skipped where nothing is delegated; `make test-kernels` boots machines where it is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running_server import LOCAL, Server, start, start_server
from toolcell_client import Client
from waiting import PATIENCE, wait_until

from kernels.delegated import cells, delegated

if TYPE_CHECKING:
    from collections.abc import Iterator

MEBIBYTE = 2**20
BUNDLE = Path(__file__).parent / "bundle"
SETTINGS = f"""
[builtin]
enabled = false

[limits.defaults]
wall_seconds = 240
cpu_seconds = 240
open_files = 1024

[[bundles]]
name = "taking"
path = "{BUNDLE}"
"""
MEMORY, DISK, KERNEL = 64 * MEBIBYTE, 4 * MEBIBYTE, 32 * MEBIBYTE
LIMITS = {
    "memory_bytes": MEMORY,
    "disk_bytes": DISK,
}
FIXED = {"memory.oom.group": "1"}
ASLEEP = (
    "import sys; from toolcell_server import watchdog; watchdog.TICK_SECONDS = 3600.0;"
    "from toolcell_server.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture(scope="module")
def group() -> Path:
    return delegated()


@pytest.fixture(scope="module")
def server(group: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server"), SETTINGS) as one:
        yield one


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.target) as one:
        yield one


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        pytest.param("hoard", {"mebibytes": 20, "processes": 8}, id="the sum of many processes"),
        pytest.param("fill_sockets", {"pairs": 500}, id="socket buffers"),
        pytest.param("fill_pipes", {"pipes": 400, "processes": 2}, id="pipes"),
    ],
)
def test_memory_that_no_process_shows_alone_ends_the_cell_at_its_limit(
    client: Client, tool: str, arguments: dict[str, Any]
) -> None:
    """
    The kernel counts it for the group; what was taken in all stays below the group's ceiling.
    """
    limits = {**LIMITS, "memory_bytes": 24 * MEBIBYTE} if tool == "fill_pipes" else LIMITS
    result = client.run(tool, arguments, limits=limits)

    assert "exceeded(memory)" == result.label, result.outcome
    assert result.usage.memory_peak_bytes <= limits["memory_bytes"] + DISK + KERNEL
    assert 3 == client.run("add", {"first": 1, "second": 2}).value


def test_the_kernel_alone_ends_a_cell_that_takes_too_much_memory(
    group: Path, tmp_path: Path
) -> None:
    """
    Should the watchdog never look: the whole cell is killed, and the ending still has its name.
    """
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[server]\n{LOCAL}{SETTINGS}")
    program = [sys.executable, "-c", ASLEEP, "--settings", str(settings)]
    with start(program, tmp_path / "log") as asleep, Client(asleep.target) as client:
        arguments = {"mebibytes": 40, "processes": 8}
        result = client.run("hoard", arguments, limits=LIMITS)

    assert "exceeded(memory)" == result.label, result.outcome
    assert result.usage.memory_peak_bytes <= MEMORY + DISK + KERNEL


def test_files_on_its_own_disk_are_no_memory_of_a_cell(client: Client) -> None:
    """
    To the kernel they are; what is allowed of both together must not end a cell.
    """
    limits = {"memory_bytes": MEMORY, "disk_bytes": MEMORY, "file_size_bytes": MEMORY}
    result = client.run("fill_own_disk_and_memory", {"disk": 60, "memory": 40}, limits=limits)

    assert 40 * MEBIBYTE == result.raise_for_outcome().value


def test_processes_and_threads_together_are_bounded_by_the_kernel(
    group: Path, server: Server, client: Client
) -> None:
    """
    The watchdog looks every 20 ms; between two looks this is what holds.
    """
    with client.execute("start_threads", {"count": 10_000}, limits={"processes": 4}) as stream:
        seen = 0
        for event in stream:
            if event.HasField("started"):
                ceilings = [_number(cell / "pids.max") for cell in _granted(group, server)]
            for cell in cells(group, server.process.pid):
                seen = max(seen, _number(cell / "pids.current"))

    assert "exceeded(processes)" == stream.result().label
    assert [4 + 256 + 1] == ceilings
    assert seen <= 4 + 256 + 1


def test_a_cell_never_has_all_of_the_processors(
    group: Path, server: Server, client: Client
) -> None:
    """
    A tenth of one is left to the service, whatever a tool does.
    """
    count = len(os.sched_getaffinity(0))
    with client.execute("spin", {"processes": count}, limits=LIMITS) as stream:
        next(event for event in stream if event.HasField("started"))
        [cell] = _granted(group, server)
        assert f"{int((count - 0.1) * 100_000)} 100000" == (cell / "cpu.max").read_text().strip()
        wait_until(lambda: _table(cell / "cpu.stat")["nr_periods"] > 0)
        stream.cancel()


def test_a_cell_has_neither_a_name_nor_a_right_for_its_control_group(
    group: Path, server: Server, client: Client
) -> None:
    """
    Whoever can write its limits has none.
    """
    assert [] == client.run("reach_for_own_group").value
    with client.execute("spin", {"processes": 1}, limits=LIMITS) as stream:
        next(event for event in stream if event.HasField("started"))
        [cell] = _granted(group, server)
        pids = (cell / "cgroup.procs").read_text().split()
        users = {_user(pid) for pid in pids}
        owners = {(cell / name).stat().st_uid for name in ("memory.max", "cgroup.procs", "")}
        modes = {(cell / name).stat().st_mode & 0o022 for name in ("memory.max", "cgroup.procs")}
        stream.cancel()

    assert 2 == len(pids), "the init and the tool"
    assert {0} == modes
    if os.geteuid() == 0:
        [tool] = users - owners
        assert 0 not in {tool, *owners}


def test_nothing_of_a_service_is_left_when_it_ends(group: Path, tmp_path: Path) -> None:
    """
    Neither groups of cells while it serves, nor its own when it is gone.
    """
    with start_server(tmp_path, SETTINGS) as one, Client(one.target) as client:
        for number in range(10):
            client.run("add", {"first": number, "second": 1}).raise_for_outcome()
        pid = one.process.pid
        wait_until(lambda: len(cells(group, pid)) == 2)  # the spares
        assert group / f"toolcell-{pid}" in group.iterdir()

    assert not (group / f"toolcell-{pid}").exists()


def test_what_a_killed_service_left_is_swept_away_by_the_next(group: Path, tmp_path: Path) -> None:
    """
    A name that a living service has is left alone.
    """
    with start_server(tmp_path, SETTINGS) as killed, Client(killed.target) as client:
        client.run("add", {"first": 1, "second": 2}).raise_for_outcome()
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        left = group / f"toolcell-{killed.process.pid}"
        assert left.exists()
    with start_server(tmp_path, SETTINGS) as first, start_server(tmp_path, SETTINGS) as second:
        names = {path.name for path in group.glob("toolcell-*")}
        assert not left.exists()
        assert {f"toolcell-{one.process.pid}" for one in (first, second)} <= names


def test_a_service_alone_in_its_group_makes_room_and_goes_back(group: Path) -> None:
    """
    A group that hands controllers on may hold no process; and afterwards it is as it was.
    """
    alone = group / "alone"
    alone.mkdir()
    try:
        doctor = f"echo 0 > {alone}/cgroup.procs; exec {sys.executable} -m toolcell_server doctor"
        command = ["sh", "-c", f"{doctor} --json"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60 * PATIENCE
        )
        walls = {wall["wall"]: wall for wall in json.loads(done.stdout)["walls"]}
        assert "active" == walls["resources"]["status"], walls["resources"]
        assert "" == (alone / "cgroup.subtree_control").read_text().strip()
        assert [] == [path for path in alone.iterdir() if path.is_dir()]
    finally:
        alone.rmdir()


def test_a_service_that_shares_its_group_says_why_it_does_not_divide_it(group: Path) -> None:
    """
    Processes of others are never moved.
    """
    shared = group / "shared"
    shared.mkdir()
    doctor = f"{sys.executable} -m toolcell_server doctor --json"
    command = ["sh", "-c", f"echo 0 > {shared}/cgroup.procs; {doctor}; true"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60 * PATIENCE
        )
        walls = {wall["wall"]: wall for wall in json.loads(done.stdout)["walls"]}
        assert "degraded" == walls["resources"]["status"]
        assert "processes of others" in walls["resources"]["reason"]
        assert walls["resources"]["remedy"]
    finally:
        shared.rmdir()


def test_a_cell_that_cannot_be_limited_does_not_run(group: Path, tmp_path: Path) -> None:
    """
    What was proved at the start and is gone is our fault, and never a cell with one wall less.
    """
    with start_server(tmp_path, SETTINGS) as one, Client(one.target) as client:
        client.run("add", {"first": 1, "second": 2}).raise_for_outcome()
        [bundle] = (group / f"toolcell-{one.process.pid}").glob("taking-*")
        (bundle / "cgroup.subtree_control").write_text("-memory")
        result = client.run("add", {"first": 1, "second": 2})

    assert "lost(wall_not_built)" == result.label, result.outcome
    assert "resources" in result.outcome.message


def test_the_ceilings_of_a_living_cell_are_those_of_its_grant(
    group: Path, server: Server, client: Client
) -> None:
    """
    Room for its own files and for the kernel is beside the memory limit, and swap is none.
    """
    with client.execute("spin", {"processes": 1}, limits=LIMITS) as stream:
        next(event for event in stream if event.HasField("started"))
        [cell] = _granted(group, server)
        found = {name: (cell / name).read_text().strip() for name in ("memory.max", *FIXED)}
        stream.cancel()

    assert {"memory.max": str(MEMORY + DISK + KERNEL), **FIXED} == found


def _granted(group: Path, server: Server) -> list[Path]:
    """
    The groups of cells that have their grant: a spare's memory is not limited yet.
    """
    found = cells(group, server.process.pid)
    return [cell for cell in found if (cell / "memory.max").read_text().strip() != "max"]


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except OSError:  # the cell has ended
        return 0


def _table(path: Path) -> dict[str, int]:
    return {key: int(value) for key, value in map(str.split, path.read_text().splitlines())}


def _user(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("Uid:")[2].split()[0])
