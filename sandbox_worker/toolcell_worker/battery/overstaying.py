"""
How hostile processes make themselves known to the oracle outside, and stay longer than they may.

A process that names itself by the marker of its run is counted from outside, wherever it is; forks
keep the name.  `reached:` begins every line that tells of something that should not have been
possible; it is printed at once, because the next moment may be the last.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_NAME = 15  # linux/prctl.h


def bear(plan: dict[str, Any]) -> None:
    """
    Take the name by which the oracle finds us.
    """
    LIBC.prctl(PR_SET_NAME, str(plan["marker"]).encode(), 0, 0, 0)


def say(line: str) -> None:
    """
    Tell it past every buffer, which a process that is killed never flushes.
    """
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def overstay(plan: dict[str, Any]) -> None:
    """
    Wait until everybody should have been dead for a while, and tell that one is not.
    """
    end = time.monotonic() + plan["seconds"]
    while (left := end - time.monotonic()) > 0:
        with contextlib.suppress(InterruptedError):
            time.sleep(left)
    say("reached: it stayed as long as it liked")


def child(act: Callable[[], object]) -> int:
    """
    Fork a process that does this and ends, whatever happens, with 1 if it could not; its pid.
    """
    pid = os.fork()
    if pid == 0:
        _do(act)
    return pid


def _do(act: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        act()
        code = 0
    finally:
        os._exit(code)


def together(acts: Iterable[Callable[[], object]]) -> bool:
    """
    Do each of them in a process of its own, all at once; whether all of them could.
    """
    pids = [child(act) for act in acts]
    failed = [pid for pid in pids if os.waitpid(pid, 0)[1] != 0]
    return not failed
