"""
Attacks by what a tool says: too much, too slowly, what no parser expects, and what others will read
as their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from typing import Any

from toolcell_worker import wire
from toolcell_worker.battery.overstaying import bear, say
from toolcell_worker.wire import Frame

CHANNEL = 3  # where the cell's channel lies
PIECE = b"x" * 2**16


def print_without_end(plan: dict[str, Any]) -> Any:
    """
    As fast as the pipe takes it, in lines.
    """
    line = b"y" * 63 + b"\n"
    _flood(line * 1024, plan["bytes"])


def print_without_a_line_end(plan: dict[str, Any]) -> Any:
    """
    Whoever reads line by line never gets one.
    """
    _flood(PIECE, plan["bytes"])


def _flood(piece: bytes, wanted: int) -> None:
    written = 0
    while written < wanted:
        written += os.write(1, piece)
        written += os.write(2, piece)


def print_slowly(plan: dict[str, Any]) -> Any:
    """
    A byte now and then looks like life.
    """
    bear(plan)
    end = time.monotonic() + plan["seconds"]
    while time.monotonic() < end:
        os.write(1, b".")
        time.sleep(0.02)
    say("\nreached: it printed as long as it liked")


def return_too_much(plan: dict[str, Any]) -> Any:
    """
    A result as the tool's author may make it.
    """
    return "x" * plan["bytes"]


def send_too_much(plan: dict[str, Any]) -> Any:
    """
    A result that is announced as larger than any memory, past everything that would bound it.
    """
    descriptor = CHANNEL if _has_channel() else 1
    header = wire.HEADER.pack(Frame.RESULT, 2**32 - 1) if _has_channel() else b""
    with contextlib.suppress(OSError):
        os.write(descriptor, header)
        for _ in range(plan["bytes"] // len(PIECE)):
            os.write(descriptor, PIECE)
    os._exit(0)


def return_what_is_no_json(_plan: dict[str, Any]) -> Any:
    """
    Values of Python that JSON has no word for.
    """
    return {"nan": [float("nan"), float("inf"), -float("inf")]}


def send_what_is_no_json(plan: dict[str, Any]) -> Any:
    """
    The same past everything that would check it: the raw bytes of a result.
    """
    payload = bytes.fromhex(plan["payload"])
    if _has_channel():
        os.write(CHANNEL, _frame(Frame.RESULT, payload))
    else:
        os.write(1, payload)
    os._exit(0)


def forge_a_line_of_the_log(plan: dict[str, Any]) -> Any:
    """
    A line end, and then what looks like a line of the service's own; and what moves the cursor of
    whoever looks at it.
    """
    line = f"\r\n{plan['line']}\n\x1b[2K\x1b[1A\x1b]0;{plan['line']}\x07"
    os.write(2, line.encode())
    if _has_channel():
        record = {"level": "error", "message": line, "fields": {line: line}}
        os.write(CHANNEL, _frame(Frame.LOG, json.dumps(record).encode()))
    raise RuntimeError(line)


def _frame(kind: int, payload: bytes) -> bytes:
    return wire.HEADER.pack(kind, len(payload)) + payload


def _has_channel() -> bool:
    """
    In a cell there is a socket at this descriptor; elsewhere standard output stands for it.
    """
    with contextlib.suppress(OSError):
        return stat.S_ISSOCK(os.fstat(CHANNEL).st_mode)
    return False
