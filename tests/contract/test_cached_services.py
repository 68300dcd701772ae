"""
What a cache is for the service around it: its places, its reloads, its absence.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from processes import named
from repeating import metrics, numbers, settings
from running_server import start_server
from toolcell_client import Client
from waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_an_answer_from_the_cache_gives_its_place_back(tmp_path: Path) -> None:
    """
    A service with one place and no queue answers any number of them, one after the other.
    """
    one_place = "max_executions = 1\nqueue = 0"
    with (
        start_server(tmp_path, settings(tmp_path), server=one_place) as server,
        Client(server.target) as c,
    ):
        found = {str(c.run("numbered", {"value": 1}).value) for _ in range(50)}
        held = metrics(server)['toolcell_cells{state="running"}']

    assert 1 == len(found)
    assert 0 == held


def test_a_reloaded_tool_answers_itself(tmp_path: Path) -> None:
    """
    Its code may be another by now.  A zygote that is killed is loaded anew.
    """
    with start_server(tmp_path, settings(tmp_path)) as server, Client(server.target) as client:
        first, again = numbers(client, "numbered", {"value": 1}, {"value": 1})
        (zygote,) = named(server.process.pid, "zygote")
        os.kill(zygote, signal.SIGKILL)
        wait_until(lambda: named(server.process.pid, "zygote") not in ([], [zygote]), 20)
        wait_until(lambda: not client.run("numbered", {"value": 1}).cached, 20)
        (after,) = numbers(client, "numbered", {"value": 1})

    assert first == again
    assert after != first


def test_without_a_cache_every_call_runs(tmp_path: Path) -> None:
    off = settings(tmp_path, "[cache]\nenabled = false")
    with start_server(tmp_path, off) as server, Client(server.target) as client:
        first, again = numbers(client, "numbered", {"value": 1}, {"value": 1})

    assert first != again
