"""
Rates and quotas of a real server, whose cells burn real processor time.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest
from neighbouring import HOSTILE
from running_server import start_server
from toolcell_client import Client
from toolcell_client.errors import QuotaExceeded
from toolcell_server.database import FILE
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running_server import Server

BURNT = 0.5
DAY = 24 * 3600
HUNGRY = f"""
[[bundles]]
name = "hostile"
path = "{HOSTILE}"

[[rates]]
name = "thrifty"
cpu_seconds_per_day = {BURNT}
"""
SELF_LIMITED = '''
from toolcell_worker import tool


@tool(effects="read_only", rates={"calls_per_hour": 2})
def rare() -> int:
    """
    Must not be called often.
    """
    return 1


@tool(effects="read_only", rates={"calls": "often"})
def confused() -> int:
    """
    Does not say how often it may be called.
    """
    return 1
'''


def counted(server: Server, kind: str) -> float:
    text = server.scrape()
    [value] = re.findall(
        rf'^toolcell_rate_refusals_total{{kind="{kind}"}} (\S+)$', text, re.MULTILINE
    )
    return float(value)


def test_a_client_hears_when_to_come_back_and_prometheus_of_it(
    start: Callable[..., Server],
) -> None:
    """
    The client does not wait by itself: an hour is not its to spend.
    """
    server = start('[[rates]]\nname = "slow"\ncalls_per_hour = 2\n')
    with Client(server.target) as client:
        for _ in range(2):
            client.run("calculate", {"expression": "1+1"})
        with pytest.raises(QuotaExceeded) as caught:
            client.run("calculate", {"expression": "1+1"}, timeout=5)

    refused = caught.value
    assert refused.retryable
    assert 3500 < (refused.retry_delay or 0) <= 3600
    [quota] = refused.quotas
    assert quota.subject in {"anonymous", "peer:127.0.0.1"}
    assert quota.description == "slow: at most 2 calls per hour for each principal"
    assert (counted(server, "calls"), counted(server, "cpu_seconds")) == (1, 0)


def test_processor_time_is_charged_by_what_a_cell_burnt_and_bounds_it(
    start: Callable[..., Server],
) -> None:
    """
    A loop gets what the day has left and no more; the next call nothing.
    """
    server = start(HUNGRY)
    with Client(server.target) as client:
        result = client.run("spin")
        assert result.label == "exceeded(cpu)"
        with pytest.raises(QuotaExceeded) as caught:
            client.run("spin")

    assert caught.value.metadata["quota"] == "cpu_seconds"
    assert DAY - 60 < (caught.value.retry_delay or 0) <= DAY


@pytest.mark.parametrize("end", ["drained", "killed"])
def test_a_budget_of_a_day_outlives_the_server(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Also if it is killed, a moment after it has written.
    """
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("TOOLCELL_STATE_DIR", f"{tmp_path}/state")
    with start_server(tmp_path, HUNGRY) as server:
        with Client(server.target) as client:
            client.run("spin")
        wait_until(lambda: budgets(tmp_path) > 0)
        if end == "killed":
            server.process.kill()
            server.process.wait()
    with (
        start_server(tmp_path, HUNGRY) as server,
        Client(server.target) as client,
        pytest.raises(QuotaExceeded),
    ):
        client.run("spin")


def budgets(folder: Path) -> int:
    """
    How many were written, from a copy: the file itself belongs to the server.
    """
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "state", copy, ignore=shutil.ignore_patterns("*-shm", "audit"))
    with contextlib.closing(sqlite3.connect(copy / FILE)) as database:
        [[count]] = database.execute("SELECT count(*) FROM rate_windows")
    return int(count)


def test_a_tool_limits_itself_and_one_that_cannot_be_understood_is_broken(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    """
    A tool that counts on a limit must not run without it.
    """
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "limited.py").write_text(SELF_LIMITED)
    server = start(f'[[bundles]]\nname = "mine"\npath = "{tmp_path}/tools"\n')
    with Client(server.target) as client:
        for _ in range(2):
            client.run("rare")
        with pytest.raises(QuotaExceeded) as caught:
            client.run("rare")
        assert "the tool rare: at most 2 calls per hour" in caught.value.message
        broken = client.get_tool("confused").broken_reason

    assert "rates.calls = 'often'" in broken
