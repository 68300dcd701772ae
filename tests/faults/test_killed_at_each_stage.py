"""
Parts are killed at each word that a cell speaks, and at each step of a commit: whatever is told is
true, nothing is left, and the next call is served.
"""

from __future__ import annotations

import functools
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes import at_rest, await_end, descendants, named, settled
from waiting import wait_until
from warmth import inner_pid

from faults.moments import Moment, prepared
from faults.place import SECONDS, Place, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client import Result

# A grant is received, folders for staging and a listener are sent, then READY, the call is read,
# progress and a result are written.
WORDS = ("recvmsg", "sendmsg", "read", "write", "exit_group")
STEPS = (
    "openat2",
    "openat",
    "sendfile",
    "fchmod",
    "fsync",
    "renameat",
    "rename",
    "linkat",
    "sendmsg",
)
OLD, NEW = "old", "n" * 5000


def spare(place: Place) -> tuple[int, int]:
    """
    The init and the tool's process of the spare that takes the next call.  An init alone is of a
    room in which whole cells have been.
    """
    spares: list[tuple[int, int]] = []

    def are_all_there() -> bool:
        inner = {pid: inner_pid(pid) for pid in sorted(descendants(place.zygote()))}
        inits = [pid for pid, inside in inner.items() if inside == 1]
        tools = [pid for pid, inside in inner.items() if inside > 1]
        # An init is forked right before its tool's process.
        spares[:] = [(max(init for init in inits if init < tool), tool) for tool in tools]
        return len(spares) == 2

    wait_until(are_all_there)
    return spares[0]


def write(place: Place) -> Result:
    (place.root / "file").write_text(OLD)
    return place.client.run("write", {"path": str(place.root / "file"), "size": len(NEW)})


def write_once(place: Place) -> Result:
    """
    The last call of a keeper, whose end says that all of its steps were seen.
    """
    result = write(place)
    os.kill(named(place.pid, "keeper")[0], signal.SIGKILL)
    return result


def words_of(place: Place) -> list[str]:
    """
    What a cell says and hears in a call that goes well.
    """
    moment = Moment(WORDS, 0, lambda: None)
    tracer = prepared(spare(place)[1], moment)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(write, place)
        tracer.follow()
        assert "completed" == call.result().label
    return moment.seen


def kill(victim: int, tool: int) -> None:
    """
    Kill one, and wait until that has reached the tool: it goes on until the kernel has told it.
    """
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: is_doomed(tool))


def is_doomed(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return True
    status = dict(line.split(":", 1) for line in lines)
    pending = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return status["State"].split()[0] in "ZX" or bool(pending & 1 << (signal.SIGKILL - 1))


def kill_init(place: Place, init: int, tool: int) -> int:
    return init


def kill_tool(place: Place, init: int, tool: int) -> int:
    return tool


def kill_zygote(place: Place, init: int, tool: int) -> int:
    return place.zygote()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", [kill_init, kill_tool, kill_zygote])
def test_a_part_of_a_cell_that_is_killed_at_any_word_ends_its_call_only(
    tmp_path: Path, victim: Callable[[Place, int, int], int]
) -> None:
    """
    Before the tool ran it is our fault, afterwards nobody can tell: a file is never half written.
    """
    with serving(tmp_path, "max_executions = 1") as place:
        words = words_of(place)
        assert words.count("sendmsg") >= 2
        before = at_rest(place.look, SECONDS)
        endings = []
        every = range(1, len(words) + 1)
        # Zygotes that die at once are started again ever more slowly.
        for number in [1, 3, len(words)] if victim is kill_zygote else every:
            init, tool = spare(place)
            doomed = victim(place, init, tool)
            moment = Moment(WORDS, number, functools.partial(kill, doomed, tool))
            tracer = prepared(tool, moment)
            with ThreadPoolExecutor(1) as thread:
                call = thread.submit(write, place)
                tracer.follow()
                result = call.result(SECONDS)
            await_end([init, tool], SECONDS)
            endings.append(result.label)
            assert moment.came
            assert (NEW if result.ok else OLD) == (place.root / "file").read_text()
            assert "completed" == write(place).label
        after = settled(place.look, lambda now: now.kept == before.kept, SECONDS)

    allowed = {"lost(cell_died)", "lost(zygote_died)", "failed"}
    # At first it only waits for a call, which gets another cell; at last its result is sent.
    assert allowed >= set(endings[1:-1])
    assert allowed | {"completed"} >= {endings[0], endings[-1]}
    assert any(label.startswith("lost") for label in endings[1:])
    assert before.kept == after.kept


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_survives_a_server_that_is_killed_at_any_word_of_a_cell(tmp_path: Path) -> None:
    """
    SIGKILL leaves no time to clean up, whatever was under way.
    """
    (tmp_path / "first").mkdir()
    with serving(tmp_path / "first") as place:
        words = words_of(place)
    # Its grant comes, folders for staging go, the listener goes; progress, the result, its exit.
    for number in (2, 3, 4, len(words) - 2, len(words) - 1, len(words)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with serving(folder, lasting=False) as place:
            everything = [place.pid, *descendants(place.pid)]
            _, tool = spare(place)
            moment = Moment(WORDS, number, place.server.process.kill)
            tracer = prepared(tool, moment)
            with ThreadPoolExecutor(1) as thread:
                call = thread.submit(write, place)
                tracer.follow()
                assert call.exception(SECONDS) is not None
            assert moment.came
            await_end([*everything, *descendants(place.pid)], SECONDS)
        assert OLD == (place.root / "file").read_text()
        assert ["file"] == [path.name for path in place.root.iterdir()]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("step", "number", "found"), [("sendfile", 1, OLD), ("sendmsg", 2, NEW)])
def test_whoever_cannot_tell_whether_a_file_was_written_says_so(
    tmp_path: Path, step: str, number: int, found: str
) -> None:
    """
    The keeper dies before it has put a file in place, and when it was about to tell that it had
    (its first message is what it has opened).
    """
    with serving(tmp_path) as place:
        assert "completed" == write(place).label
        [keeper] = named(place.pid, "keeper")
        moment = Moment((step,), number, functools.partial(kill, keeper, keeper))
        tracer = prepared(keeper, moment)
        with ThreadPoolExecutor(1) as thread:
            call = thread.submit(write, place)
            tracer.follow()
            result = call.result(SECONDS)
        assert moment.came
        assert (found, "lost(outcome_unknown)") == (
            (place.root / "file").read_text(),
            result.label,
        )
        assert not result.outcome.retryable
        assert "completed" == write(place).label


@pytest.mark.skipif(
    "EVERY_FAULT" not in os.environ,
    reason="the server is killed at each step of a commit, which takes minutes: make faults",
)
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_commit_under_way_when_the_server_is_killed_is_whole_or_not_at_all(
    tmp_path: Path,
) -> None:
    """
    Nobody is left to clean up after the keeper: it must not stop half way.
    """
    steps: list[str] = []
    number = 0
    while number <= len(steps):
        folder = tmp_path / str(number)
        folder.mkdir()
        with serving(folder, lasting=False) as place:
            assert "completed" == write(place).label
            [keeper] = named(place.pid, "keeper")
            everything = [place.pid, *descendants(place.pid)]
            moment = Moment(STEPS, number, place.server.process.kill)
            tracer = prepared(keeper, moment)
            with ThreadPoolExecutor(1) as thread:
                call = thread.submit(write_once if number == 0 else write, place)
                tracer.follow()
                call.exception(SECONDS)
            if number:
                await_end(everything, SECONDS)
            steps = steps or moment.seen
            assert number == 0 or moment.came
        assert (place.root / "file").read_text() in (OLD, NEW)
        assert ["file"] == [path.name for path in place.root.iterdir()]
        number += 1
    assert {"sendfile", "sendmsg"} <= set(steps)
