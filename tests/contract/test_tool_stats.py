"""
Statistics of tools over a real socket: what is counted, who may know it, and that a restart forgets
nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from running_server import start_server
from toolcell_client import AsyncClient, Client
from toolcell_client.errors import CallRefused, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running_server import Server
    from toolcell.v1 import statistics_pb2

TOKENS = {name: f"{name}-" + "0123456789abcdef" * 2 for name in ("alice", "bob", "olga", "eve")}
SCOPES = {"alice": ["tools:*"], "bob": ["tools:*"], "eve": ["tools:current_time"]}
SCOPES["olga"] = ["tools:*", "toolcell:executions"]
TOOLS = '''
import time
from toolcell_worker import ToolError, tool


@tool(effects="read_only", cache_ttl_seconds=60, price={"per_call": 0.5, "per_cpu_second": 0.0})
def priced(number: int) -> int:
    """
    Count, for a price.

    Args:
        number: What to count.
    """
    if number < 0:
        raise ToolError(f"no {number}", code="NEGATIVE")
    return number
'''


def settings(folder: Path) -> str:
    bundle = folder / "tools"
    bundle.mkdir(exist_ok=True)
    (bundle / "priced.py").write_text(TOOLS)
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    tokens = "".join(
        f'[[auth.tokens]]\nname = "{name}"\nsha256 = "{hashlib.sha256(token.encode()).hexdigest()}"'
        f"\nscopes = {json.dumps(SCOPES[name])}\n"
        for name, token in TOKENS.items()
    )
    return f'{tokens}[[bundles]]\nname = "mine"\npath = "{bundle}"\n'


def served(folder: Path) -> Server:
    folder.chmod(0o755)
    return start_server(folder, settings(folder), flags=("--set", f"state_dir={folder}/state"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("stats")) as started:
        yield started


def client(server: Server, name: str) -> Client:
    return Client(server.target, token=TOKENS[name])


def stats(server: Server, name: str, tool: str = "priced") -> statistics_pb2.ToolStats:
    with client(server, name) as one:
        [found] = one.tool_stats(tool)
    return found


def call(server: Server, name: str, number: int, **fields: Any) -> None:
    with client(server, name) as one:
        one.run("priced", {"number": number}, **fields)


@pytest.fixture(scope="module")
def _called(server: Server) -> None:
    for name in ("alice", "bob"):
        call(server, name, 1)
    call(server, "alice", 1)  # from the cache
    for number in (-1, -2):
        call(server, "bob", number)


@pytest.mark.usefixtures("_called")
class TestToolStats:
    def test_everything_that_a_tool_did_is_counted(self, server: Server) -> None:
        found = stats(server, "olga")

        assert ("priced", "1", 5, 1) == (found.tool, found.version, found.calls, found.cache_hits)
        assert {"completed": 3, "failed": 2} == dict(found.outcomes)
        assert {"NEGATIVE": 2} == dict(found.error_types)
        assert pytest.approx(0.4) == found.error_rate
        assert 2 == found.unique_callers
        assert pytest.approx(4 * 0.5) == found.cost
        error = found.last_error
        assert ("failed", "NEGATIVE", "no -2") == (error.outcome, error.type, error.message)
        assert found.first_called_time.ToNanoseconds() <= found.last_called_time.ToNanoseconds()
        assert found.latency.p50.ToNanoseconds() > 0
        assert found.latency.p50.ToNanoseconds() <= found.latency.maximum.ToNanoseconds()
        assert found.memory_peak_bytes >= found.memory_mean_bytes > 0

    def test_who_may_call_a_tool_knows_how_well_it_works_and_not_what_others_do(
        self, server: Server
    ) -> None:
        """
        An error's message can quote the arguments of whoever made it.
        """
        found = stats(server, "alice")

        assert (5, {"NEGATIVE": 2}) == (found.calls, dict(found.error_types))
        assert "NEGATIVE" == found.last_error.type
        assert ("", 0, 0.0) == (found.last_error.message, found.unique_callers, found.cost)

    def test_who_may_not_call_a_tool_learns_nothing_of_it(self, server: Server) -> None:
        with client(server, "eve") as eve:
            assert ["current_time"] == [one.tool for one in eve.tool_stats()]
            with pytest.raises(NotPermitted) as registered:
                list(eve.tool_stats("priced"))
            with pytest.raises(NotPermitted) as unknown:
                list(eve.tool_stats("nothing"))

        assert str(registered.value).replace("priced", "nothing") == str(unknown.value)

    def test_tools_that_never_ran_have_zeros(self, server: Server) -> None:
        with client(server, "olga") as olga:
            found = {one.tool: one for one in olga.tool_stats()}

        assert 0 == found["current_time"].calls
        assert not found["current_time"].HasField("latency")
        assert not found["current_time"].HasField("last_called_time")

    def test_pages_hold_every_tool_once(self, server: Server) -> None:
        with client(server, "olga") as olga:
            whole = [one.tool for one in olga.tool_stats()]
            paged = [one.tool for one in olga.tool_stats(page_size=2)]

        assert whole == paged
        assert sorted(whole) == whole

    def test_a_version_without_a_tool_is_refused(self, server: Server) -> None:
        with client(server, "olga") as olga, pytest.raises(CallRefused, match="give both"):
            list(olga.tool_stats("", "1"))

    def test_the_asynchronous_client_has_the_same(self, server: Server) -> None:
        async def ask() -> list[str]:
            async with AsyncClient(server.target, token=TOKENS["olga"]) as olga:
                return [one.tool async for one in olga.tool_stats(page_size=3)]

        with client(server, "olga") as olga:
            assert [one.tool for one in olga.tool_stats()] == asyncio.run(ask())

    def test_prometheus_has_the_cost(self, server: Server) -> None:
        assert 'toolcell_execution_cost_total{tool="priced"} 2.0' in server.scrape()

    def test_the_command_line_prints_them(self, server: Server) -> None:
        command = ["tools", "stats", "priced", "--target", server.target]
        done = subprocess.run(
            [sys.executable, "-m", "toolcell_client.cli", *command],
            env={"TOOLCELL_TOKEN": TOKENS["olga"], "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

        [printed] = json.loads(done.stdout)
        assert (5, {"NEGATIVE": 2}) == (printed["calls"], printed["error_types"])


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as first:
        for number in (1, 2, -3):
            call(first, "alice", number)
        before = stats(first, "olga")
    with served(tmp_path) as second:
        after = stats(second, "olga")
        call(second, "bob", 4)
        more = stats(second, "olga")

    assert before == after
    assert (4, 2) == (more.calls, more.unique_callers)
