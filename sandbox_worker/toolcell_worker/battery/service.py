"""
Attacks on the service over the cell's own channel, and by ways to end.
"""

from __future__ import annotations

import signal
from typing import Any, NoReturn

from toolcell_worker.battery.naive import Line
from toolcell_worker.wire import Frame


def send_a_frame_of_no_kind(_plan: dict[str, Any]) -> NoReturn:
    """
    A frame that nobody has defined.
    """
    line = Line()
    line.frame(250, b"{}")
    line.frame(Frame.RESULT, b'"after it"')
    line.leave()


def send_garbage(_plan: dict[str, Any]) -> NoReturn:
    """
    Bytes that are no frames.
    """
    line = Line()
    line.raw(b"\xff\x00\x00\x00" * 64)
    line.leave()


def end_without_a_result(_plan: dict[str, Any]) -> NoReturn:
    """
    The exit code of success, and not a word.
    """
    Line().leave()


def give_two_results(_plan: dict[str, Any]) -> NoReturn:
    """
    The second contradicts the first.
    """
    line = Line()
    line.frame(Frame.RESULT, b'"first"')
    line.frame(Frame.RESULT, b'"second"')
    line.leave()


def give_a_result_and_crash(_plan: dict[str, Any]) -> NoReturn:
    """
    Success is claimed by whoever then dies of a broken pointer.
    """
    line = Line()
    line.frame(Frame.RESULT, b'"forged"')
    line.leave(signal=signal.SIGSEGV)


def give_a_result_and_fail(_plan: dict[str, Any]) -> NoReturn:
    """
    Success is claimed, and the exit code says otherwise.
    """
    line = Line()
    line.frame(Frame.RESULT, b'"forged"')
    line.leave(3)


def raise_and_then_give_a_result(_plan: dict[str, Any]) -> NoReturn:
    """
    An exception first, then a result after all.
    """
    line = Line()
    line.json(Frame.RAISED, {"exception": "E", "message": "first", "exit_code": 1})
    line.frame(Frame.RESULT, b'"forged"')
    line.leave()


def nest_a_result_deeply(_plan: dict[str, Any]) -> NoReturn:
    """
    Whoever parses it by recursion runs out of stack.
    """
    line = Line()
    depth = 200_000
    line.frame(Frame.RAISED, b'{"message":' + b"[" * depth + b"]" * depth + b"}")
    line.leave(1)


def raise_with_wild_values(_plan: dict[str, Any]) -> NoReturn:
    """
    Fields of other types and sizes than any tool of ours has.
    """
    line = Line()
    wild = {
        "exception": ["not a text"],
        "message": "\ud800",
        "traceback": {"deep": [[[]]]},
        "exit_code": 10**4000,
        "signal": True,
        "limit": ["wall"],
        "category": 7,
        "retryable": "yes",
        "denials": [{"wall": 3, "target": ["x"]}, None, 10**300, *[{}] * 1000],
    }
    line.json(Frame.LOG, {"level": [], "message": 5, "fields": {"n": float("1e999")}})
    line.json(Frame.PROGRESS, {"fraction": 10**400, "message": None})
    line.json(Frame.RAISED, wild)
    line.leave(1)
