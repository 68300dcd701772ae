"""
Parts of a cell that was whole before its call are killed at each word that it speaks: its call is
answered, nothing is left, and the next one is served.
"""

from __future__ import annotations

import functools
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from processes import at_rest, await_end, descendants, settled
from waiting import wait_until
from warmth import inner_pid, is_tool

from faults.moments import Moment, prepared
from faults.place import SECONDS, Place, serving
from faults.test_killed_at_each_stage import kill

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client import Result

# The call is read, a result is written.
WORDS = ("read", "sendmsg", "write", "exit_group")
FOLLOWED = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may follow a process that has all of its walls"
)
STAYING_SECONDS = 0.1  # arbitrary; what is being ended takes some milliseconds
TOOL, INIT, ZYGOTE = "tool", "init", "zygote"


def warm(place: Place) -> int:
    """
    The tool's process of the one cell that waits for its call with all of its walls.
    """
    found: list[int] = []
    since = 0.0

    def stays() -> bool:
        nonlocal since
        now = [pid for pid in descendants(place.zygote()) if is_tool(pid)]
        if now != found:  # the one of the call before may not be gone yet
            found[:], since = now, time.monotonic()
        return len(found) == 1 and time.monotonic() - since > STAYING_SECONDS

    wait_until(stays)
    return found[0]


def init_of(place: Place, tool: int) -> int:
    def room(pid: int) -> int:
        try:
            return os.stat(f"/proc/{pid}/ns/pid").st_ino
        except FileNotFoundError:  # it has ended meanwhile
            return -1

    every = descendants(place.zygote())
    return next(pid for pid in every if inner_pid(pid) == 1 and room(pid) == room(tool))


def fill(place: Place) -> Result:
    return place.client.run("fill", {"folder": "/tmp", "mebibytes": 1})


def disturbed(place: Place, number: int, victim: str) -> Result:
    """
    A call in whose cell one is killed at a word.
    """
    tool = warm(place)
    doomed = {TOOL: lambda: tool, INIT: lambda: init_of(place, tool), ZYGOTE: place.zygote}[victim]
    moment = Moment(WORDS, number, functools.partial(kill, doomed(), tool))
    tracer = prepared(tool, moment)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(fill, place)
        tracer.follow()
        result = call.result(SECONDS)
    await_end([tool], SECONDS)
    assert moment.came
    return result


def words_of(place: Place) -> list[str]:
    """
    What a cell says and hears in a call that goes well.
    """
    moment = Moment(WORDS, 0, lambda: None)
    tracer = prepared(warm(place), moment)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(fill, place)
        tracer.follow()
        assert "completed" == call.result(SECONDS).label
    return moment.seen


@FOLLOWED
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", [TOOL, INIT, ZYGOTE])
def test_a_part_of_a_whole_cell_that_is_killed_at_any_word_ends_its_call_only(
    tmp_path: Path, victim: str
) -> None:
    """
    Once it has its call nobody can tell what it did; before that, another cell takes the call.
    """
    with serving(tmp_path, "max_executions = 1\nwarm_cells = 1") as place:
        assert "completed" == fill(place).label
        words = words_of(place)
        assert {"read", "write", "exit_group"} <= set(words)
        warm(place)
        before = at_rest(place.look, SECONDS)
        # Zygotes that die at once are started again ever more slowly.
        numbers = (1, len(words)) if victim == ZYGOTE else range(1, len(words) + 1)
        endings = []
        for number in numbers:
            result = disturbed(place, number, victim)
            endings.append(result.label)
            assert not result.ok or result.value == 1
            assert "completed" == fill(place).label
        warm(place)
        after = settled(place.look, lambda now: now.kept == before.kept, SECONDS)

    assert victim == ZYGOTE or endings[0] == "completed"  # of another cell
    lost = {"lost(cell_died)", "lost(zygote_died)", "failed"}
    assert lost | {"completed"} >= set(endings)
    assert before.kept == after.kept


@FOLLOWED
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_survives_a_server_that_is_killed_at_any_word_of_a_whole_cell(
    tmp_path: Path,
) -> None:
    """
    Neither the cell of the call, nor those that are warm for the next.
    """
    for number in (1, 2, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        with serving(folder, "warm_cells = 1", lasting=False) as place:
            assert "completed" == fill(place).label
            tool = warm(place)
            everything = [place.pid, *descendants(place.pid)]
            moment = Moment(WORDS, number, place.server.process.kill)
            tracer = prepared(tool, moment)
            with ThreadPoolExecutor(1) as thread:
                call = thread.submit(fill, place)
                tracer.follow()
                assert call.exception(SECONDS) is not None
            assert moment.came
            await_end([*everything, *descendants(place.pid)], SECONDS)


def test_nothing_is_left_of_warm_cells_when_the_server_ends(tmp_path: Path) -> None:
    """
    By a signal that lets it clean up.
    """
    with serving(tmp_path, "warm_cells = 1") as place:
        assert "completed" == fill(place).label
        tool = warm(place)
        everything = [place.pid, *descendants(place.pid)]
        assert tool in everything
        place.server.process.send_signal(signal.SIGTERM)
        await_end(everything, SECONDS)
