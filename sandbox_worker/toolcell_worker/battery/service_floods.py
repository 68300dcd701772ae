"""
Attacks on the service: more than it can take, and less than it waits for.
"""

from __future__ import annotations

import json
import os
from typing import Any, NoReturn

from toolcell_worker.battery.naive import Line
from toolcell_worker.wire import HEADER, Frame

FRAMES = 4096
LINE = "x" * (60 * 1024)
DESCRIPTORS = 60  # of one message; a frame of ours may carry 64


def announce_more_than_comes(_plan: dict[str, Any]) -> NoReturn:
    """
    A result of two gibibytes, of which a little comes.
    """
    line = Line()
    line.raw(HEADER.pack(Frame.RESULT, 2**31))
    line.raw(bytes(2**16))
    line.leave()


def send_descriptors(plan: dict[str, Any]) -> NoReturn:
    """
    Descriptors beside a frame: whoever forgets one keeps it for ever.
    """
    line = Line()
    file = os.open(f"/tmp/{plan['name']}", os.O_RDWR | os.O_CREAT, 0o600)  # of the cell
    os.unlink(f"/tmp/{plan['name']}")  # as the line above
    line.frame(Frame.LOG, b'{"message": "with descriptors"}', (file,) * DESCRIPTORS)
    line.leave()


def send_descriptors_beside_nothing(plan: dict[str, Any]) -> NoReturn:
    """
    The same by single bytes of a frame that never ends.
    """
    line = Line()
    file = os.open(f"/tmp/{plan['name']}", os.O_RDWR | os.O_CREAT, 0o600)  # of the cell
    os.unlink(f"/tmp/{plan['name']}")  # as the line above
    line.raw(HEADER.pack(Frame.LOG, 2**16))
    for _ in range(32):
        try:
            line.raw(b" ", (file,) * 250)
        except OSError:  # too many on their way, or the receiver is gone
            break
    line.leave()


def flood_with_log_lines(_plan: dict[str, Any]) -> str:
    """
    Log lines, as fast as they are taken.
    """
    return _flood(Frame.LOG, json.dumps({"level": "info", "message": LINE}).encode())


def flood_with_parts(_plan: dict[str, Any]) -> str:
    """
    Parts of a result, as fast as they are taken.
    """
    return _flood(Frame.PARTIAL, json.dumps(LINE).encode())


def flood_with_denials(_plan: dict[str, Any]) -> str:
    """
    Denials that nobody gave, as fast as they are taken.
    """
    forged = {"wall": "mounts", "operation": "open", "target": LINE, "reason": "forged"}
    return _flood(Frame.DENIED, json.dumps(forged).encode())


def close_the_channel_and_live_on(_plan: dict[str, Any]) -> NoReturn:
    """
    The end of the channel is not the end of the cell.
    """
    line = Line()
    line.close()
    line.stay()


def stop_in_the_middle_of_a_frame(_plan: dict[str, Any]) -> NoReturn:
    """
    Whoever waits for the rest waits for ever.
    """
    line = Line()
    line.raw(HEADER.pack(Frame.RESULT, 100) + b"[1, 2,")
    line.stay()


def _flood(kind: int, payload: bytes) -> str:
    line = Line()
    for _ in range(FRAMES):
        line.frame(kind, payload)
    if line.receiver is not None:
        line.close()
    return "flooded"
