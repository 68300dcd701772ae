"""
The zygote is killed under load: every call ends, the next one works, nothing is left.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from mortal import CALLS, SECONDS, Mortal
from processes import at_rest, await_end, descendants, settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from processes import Holdings


def held(now: Holdings) -> tuple[object, ...]:
    """
    What must be the same afterwards: the keeper holds a namespace for each slot that it ever met.
    """
    return now.processes, now.descriptors["server"], now.mounts


@pytest.mark.parametrize(
    "victim", [Mortal.outer, Mortal.inner], ids=["the outer process", "the inner process"]
)
def test_every_call_ends_when_the_zygote_is_killed_and_the_next_one_works(
    mortal: Mortal, victim: Callable[[Mortal], int]
) -> None:
    """
    What only reads is run once more and completes; anything else is told that it was lost.
    """
    mortal.client.run("echo", {"text": "warm"})
    before = at_rest(mortal.look, SECONDS)
    streams = mortal.occupy()
    doomed = descendants(mortal.outer())
    os.kill(victim(mortal), signal.SIGKILL)
    await_end(doomed, SECONDS)
    (mortal.root / "go").write_text("it is there")
    retries = [sum(event.HasField("retrying") for event in stream) for stream in streams]
    results = [stream.result() for stream in streams]

    assert ["completed", "lost(zygote_died)"] * (CALLS // 2) == [r.label for r in results]
    assert [1, 0] * (CALLS // 2) == retries
    assert {"it is there"} == {result.value for result in results if result.ok}
    assert all(b"waiting\n" in result.stdout for result in results)
    assert all(result.outcome.retryable for result in results if not result.ok)
    assert "after" == mortal.client.run("echo", {"text": "after"}).raise_for_outcome().value
    after = settled(mortal.look, lambda now: held(now) == held(before), SECONDS)
    assert held(before) == held(after)


def test_calls_that_are_only_being_born_when_the_zygote_is_killed_end_too(mortal: Mortal) -> None:
    """
    There is no moment of a call in which nobody notices.
    """
    with ThreadPoolExecutor(CALLS) as threads:
        for _ in range(5):
            calls = [
                threads.submit(mortal.client.run, "echo", {"text": str(number)})
                for number in range(CALLS)
            ]
            calls[0].result()
            os.kill(mortal.outer(), signal.SIGKILL)
            results = [call.result(SECONDS) for call in calls]

            assert {"completed"} >= {result.label for result in results}
            assert [str(n) for n in range(CALLS)] == [result.value for result in results]


def test_a_call_that_kills_every_zygote_is_not_run_for_ever(mortal: Mortal) -> None:
    """
    Once more may be bad luck; a third time would be a loop.
    """
    stream = mortal.client.execute("await_file", {"folder": str(mortal.root), "name": "never"})
    attempts = 0
    for event in stream:
        if event.HasField("progress"):
            attempts += 1
            os.kill(mortal.outer(), signal.SIGKILL)

    assert ("lost(zygote_died)", 2) == (stream.result().label, attempts)


def test_a_call_is_stopped_while_there_is_no_zygote(mortal: Mortal) -> None:
    """
    Who cancels need not wait for the next zygote.
    """
    stream = mortal.client.execute("await_file", {"folder": str(mortal.root), "name": "never"})
    for event in stream:
        if event.HasField("progress"):
            os.kill(mortal.outer(), signal.SIGKILL)
        if event.HasField("retrying"):
            stream.cancel()

    assert "cancelled(requested)" == stream.result().label


def test_a_file_that_was_replaced_since_its_admission_is_not_read_by_a_second_attempt(
    mortal: Mortal,
) -> None:
    """
    A detached mount can be attached once, so its path is opened again: it must be the same file.
    """
    folder = mortal.root / "granted"
    folder.mkdir()
    stream = mortal.client.execute("await_file", {"folder": str(folder), "name": "go"})
    next(event for event in stream if event.HasField("progress"))
    folder.rename(mortal.root / "moved")
    folder.mkdir()
    (folder / "go").write_text("of another folder")
    os.kill(mortal.outer(), signal.SIGKILL)
    result = stream.result()

    assert "lost(cell_died)" == result.label
    assert "replaced" in result.outcome.message
