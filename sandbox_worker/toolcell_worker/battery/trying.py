"""
How hostile code tries one way after the other, whatever becomes of each.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
WAIT_SECONDS = 5.0
TICK_SECONDS = 0.002


def every(**ways: Callable[[], Any]) -> dict[str, Any]:
    """
    What each way brought: its result, or why it failed.
    """
    found = {}
    for name, way in ways.items():
        try:
            found[name] = way()
        except Exception as exc:  # noqa: BLE001  # the next way may do better
            found[name] = f"{type(exc).__name__}: {exc}"
    return found


def in_turn(*steps: Callable[[], Any]) -> Any:
    """
    What the last of several steps brought.
    """
    return [step() for step in steps][-1]


def call(name: str, *arguments: Any) -> int:
    """
    A function of the C library that sets errno.

    Raises:
        OSError: it failed.
    """
    function = getattr(LIBC, name)
    function.restype = ctypes.c_long
    ctypes.set_errno(0)
    plain = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(function(*plain))
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
    return result


def await_path(path: str) -> bool:
    """
    Whether the path came to be in time.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while not os.path.lexists(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(TICK_SECONDS)
    return True
