"""
The server is killed under load, at any moment, and started again: no call runs twice, and none that
was accepted disappears.

`CRASHES=200` in the environment (`make crashes`) kills it so often; `SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from typing import TYPE_CHECKING

import pytest
from crashing import Crashing

if TYPE_CHECKING:
    from pathlib import Path

CRASHES = int(os.environ.get("CRASHES", "8"))
CONTROLS = 3
STARTS_KILLED = 0.2  # of the crashes, the next start is killed, too


def crashed(crashing: Crashing, crashes: int) -> list[str]:
    """
    Kill the server so often, and return what was wrong afterwards.
    """
    wrong: list[str] = []
    server = crashing.start()
    try:
        for number in range(crashes):
            sent = asyncio.run(crashing.crash(server))
            if crashing.chance.random() < STARTS_KILLED:
                crashing.start_and_die()
            server = crashing.start()
            found = asyncio.run(crashing.judge(server, sent))
            wrong += [f"crash {number}: {each}" for each in found]
    finally:
        server.stop()
    return wrong


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * CRASHES)
def test_no_call_runs_twice_and_none_disappears_when_the_server_is_killed(tmp_path: Path) -> None:
    """
    A caller who sends the same `request_id` again gets the ending, or is told that nobody knows it.
    """
    seed = os.environ.get("SEED") or secrets.token_hex(4)
    print(f"SEED={seed}", flush=True)
    crashing = Crashing(tmp_path, random.Random(seed))
    wrong = crashed(crashing, CRASHES)
    print(dict(crashing.tally), flush=True)

    assert [] == wrong
    assert 1 == max(crashing.ran().values())
    assert crashing.tally["completed"] > 0
    assert sum(n for name, n in crashing.tally.items() if name.startswith("lost")) > 0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_without_a_state_dir_calls_do_run_twice(tmp_path: Path) -> None:
    """
    The control: what is asserted above is not true of itself.
    """
    crashing = Crashing(tmp_path, random.Random(1), durable=False)
    wrong = crashed(crashing, CONTROLS)

    assert any("ran twice" in each for each in wrong)
    assert any("was accepted and is not listed" in each for each in wrong)
