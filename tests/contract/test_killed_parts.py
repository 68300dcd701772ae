"""
A spare cell, the keeper, the server itself are killed: calls go on, or nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import pytest
from mortal import SECONDS, Mortal, start_mortal
from processes import await_end, descendants
from warmth import inner_pid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("part", ["an init", "a tool"])
def test_a_spare_cell_that_is_killed_costs_no_call(mortal: Mortal, part: str) -> None:
    """
    Whoever looks for memory to free may kill any process.
    """
    mortal.client.run("echo", {"text": "warm"})
    spares = [pid for pid in descendants(mortal.inner()) if inner_pid(pid) > 0]
    inits = [pid for pid in spares if inner_pid(pid) == 1]
    killed = inits if part == "an init" else [pid for pid in spares if pid not in inits]
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):  # that of the call before
            os.kill(pid, signal.SIGKILL)
    await_end(spares if part == "an init" else killed, SECONDS)  # or one dies under its call
    results = [mortal.client.run("echo", {"text": "after"}) for _ in range(5)]

    assert ["completed"] * 5 == [result.label for result in results]


def test_the_next_call_works_when_the_keeper_was_killed(mortal: Mortal) -> None:
    """
    It keeps nothing that matters, so nobody need notice.
    """
    (mortal.root / "go").write_text("first")
    arguments = {"folder": str(mortal.root), "name": "go"}
    assert "first" == mortal.client.run("await_file", arguments).value
    for _ in range(3):
        [keeper] = mortal.keepers()
        os.kill(keeper, signal.SIGKILL)
        await_end([keeper], SECONDS)
        written = mortal.client.run("stage", {"path": str(mortal.root / "go"), "text": "second"})

        assert ("completed", "second") == (written.label, (mortal.root / "go").read_text())
        assert "second" == mortal.client.run("await_file", arguments).value


def test_a_file_is_staged_while_the_keeper_is_killed_and_is_old_or_new(mortal: Mortal) -> None:
    """
    Whatever is told, the file is whole, and what is told is true.
    """
    target = mortal.root / "target"
    for number in range(10):
        old, new = "o" * 10_000, f"{number}" * 10_000
        target.write_text(old)
        stream = mortal.client.execute("stage", {"path": str(target), "text": new})
        next(event for event in stream if event.HasField("started"))
        for keeper in mortal.keepers():
            os.kill(keeper, signal.SIGKILL)
        result = stream.result()

        may_be = {
            "completed": {new},
            "lost(not_committed)": {old},
            "lost(outcome_unknown)": {old, new},
        }
        assert target.read_text() in may_be[result.label]


def test_nothing_survives_a_server_that_is_killed(mortal: Mortal) -> None:
    """
    SIGKILL leaves no time to clean up: the kernel has to do it.
    """
    streams = [
        mortal.client.execute(tool) for tool in ("sleep_on", "sleep_with_daemons") for _ in range(5)
    ]
    for stream in streams:
        next(event for event in stream if event.HasField("progress"))
    everything = descendants(mortal.pid)
    # Two of the zygote, the keeper, and for each cell its init, its tool and what that forked.
    assert len(everything) >= 3 + 5 * 2 + 5 * 5
    mortal.server.process.kill()

    await_end([mortal.pid, *everything], SECONDS)
    for stream in streams:
        stream.close()


def test_nothing_survives_a_server_that_is_asked_to_end(tmp_path: Path) -> None:
    """
    A drain that runs out of time ends what still runs, and tells it.
    """
    with start_mortal(tmp_path, "drain_seconds = 0") as mortal:
        stream = mortal.client.execute("sleep_with_daemons", detached=True)
        next(event for event in stream if event.HasField("progress"))
        everything = descendants(mortal.pid)
        mortal.server.process.terminate()

        assert "cancelled(drained)" == stream.result().label
        await_end([mortal.pid, *everything], SECONDS)
