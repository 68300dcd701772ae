"""
The account of a process that still lives, beside the one that its parent gets when it has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from toolcell_server import last_look
from toolcell_server.last_look import SMALL_BYTES

if TYPE_CHECKING:
    from toolcell_server.cells import Reaping

LARGE = 32 * 2**20
BURN = f"sum(range(20_000_000)); kept = bytearray({LARGE})"


def looked_at(body: str, code: int = 0) -> tuple[Reaping | None, float]:
    """
    What was seen of a process that has run a body and waits; and its seconds of processor time, as
    wait4(2) says.  (The peak there is of the program, too, that started it.)
    """
    with subprocess.Popen(
        [sys.executable, "-I", "-c", f"{body}\nprint(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        seen = last_look.account(process.pid, code)
        process.stdin.write(b"\n")
        process.stdin.flush()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return seen, used.ru_utime + used.ru_stime


def test_it_is_what_its_parent_is_told_later() -> None:
    """
    But for what its end takes.
    """
    seen, seconds = looked_at(BURN, 3)

    assert seen is not None
    assert 3 == os.waitstatus_to_exitcode(seen.status)
    assert seconds * 0.5 <= seen.user_seconds + seen.system_seconds <= seconds
    assert LARGE <= seen.peak_bytes <= 2 * LARGE


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"kept = bytearray({SMALL_BYTES})", id="a large one"),
        pytest.param(
            "from threading import Event, Thread; Thread(target=Event().wait, daemon=True).start()",
            id="one whose other thread goes on",
        ),
    ],
)
def test_there_is_none_of_whose_end_is_waited_for(body: str) -> None:
    assert looked_at(body)[0] is None


def test_there_is_none_of_one_that_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-I", "-c", "pass"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert last_look.account(process.pid, 0) is None
    assert last_look.account(process.pid, 0) is None


def test_a_name_says_nothing_of_it() -> None:
    """
    Whatever a process calls itself: here, a line of its own account.
    """
    forged = r"ctypes.CDLL(None).prctl(15, b'\nVmHWM:\t1 kB', 0, 0, 0)"  # PR_SET_NAME
    seen, _ = looked_at(f"import ctypes; {forged}")

    assert seen is not None
    assert 2**20 < seen.peak_bytes
