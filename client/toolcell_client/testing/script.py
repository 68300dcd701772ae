"""
What a scripted tool does: payloads of events, in order.
"""

from __future__ import annotations

import json
from typing import Any, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_client.requests import enum_number


class Hold:
    """
    Stops a script until `FakeServer.release`, or until the execution is cancelled.
    """


HOLD: Final = Hold()

Payload = (
    pb.Output
    | pb.Log
    | pb.Progress
    | pb.Partial
    | pb.Usage
    | pb.Denied
    | pb.Retrying
    | pb.FellBack
    | pb.Heartbeat
    | pb.ResultChunk
    | pb.Finished
    | Hold
)

FIELDS: Final[dict[type, str]] = {
    pb.Accepted: "accepted",
    pb.Started: "started",
    pb.Output: "output",
    pb.Log: "log",
    pb.Progress: "progress",
    pb.Partial: "partial",
    pb.Usage: "usage",
    pb.Denied: "denied",
    pb.Retrying: "retrying",
    pb.FellBack: "fell_back",
    pb.Heartbeat: "heartbeat",
    pb.ResultChunk: "result_chunk",
    pb.Finished: "finished",
}


def stdout(data: bytes, skipped_bytes: int = 0) -> pb.Output:
    """
    Bytes that the tool wrote, after those that the server left out.
    """
    return pb.Output(stream=pb.OUTPUT_STREAM_STDOUT, data=data, skipped_bytes=skipped_bytes)


def stderr(data: bytes) -> pb.Output:
    """
    Bytes that the tool wrote to its standard error.
    """
    return pb.Output(stream=pb.OUTPUT_STREAM_STDERR, data=data)


def progress(fraction: float, message: str = "") -> pb.Progress:
    """
    How far the tool says it is, from 0 to 1.
    """
    return pb.Progress(fraction=fraction, message=message)


def completed(value: Any = None) -> pb.Finished:
    """
    The tool returned a value that JSON can hold.
    """
    result = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return pb.Finished(
        outcome=pb.Outcome(completed=pb.Completed()),
        result_json=result,
        result_bytes=len(result),
        usage=pb.Usage(),
    )


def failed(message: str, *, exception: str = "RuntimeError", hint: str = "") -> pb.Finished:
    """
    The tool raised.
    """
    return _ended(
        pb.Outcome(
            failed=pb.Failed(exception=exception, exit_code=1),
            category=pb.ERROR_CATEGORY_UNKNOWN,
            message=message,
            hint=hint,
        )
    )


def exceeded(limit: str, allowed: float) -> pb.Finished:
    """
    A limit ("wall", "memory", …) ended the tool; seconds, bytes or a count.
    """
    number = pb.Limit.ValueType(enum_number(pb.Limit, limit))
    return _ended(
        pb.Outcome(
            exceeded=pb.Exceeded(limit=number, allowed=allowed),
            category=pb.ERROR_CATEGORY_USER,
            message=f"the limit {limit} of {allowed:g} was exceeded",
        )
    )


def violated(wall: str, what: str) -> pb.Finished:
    """
    A wall ("seccomp", "landlock", …) ended the tool.
    """
    number = pb.Wall.ValueType(enum_number(pb.Wall, wall))
    return _ended(
        pb.Outcome(
            violated=pb.Violated(wall=number, what=what),
            category=pb.ERROR_CATEGORY_PERMANENT,
            message=f"the wall {wall} ended the tool: {what}",
        )
    )


def cancelled(reason: str = "requested") -> pb.Finished:
    """
    A caller ended the tool.
    """
    number = pb.CancelReason.ValueType(enum_number(pb.CancelReason, reason))
    return _ended(
        pb.Outcome(
            cancelled=pb.Cancelled(reason=number),
            category=pb.ERROR_CATEGORY_USER,
            message="the execution was cancelled",
        )
    )


def lost(reason: str = "internal") -> pb.Finished:
    """
    A fault of the server ended the tool.
    """
    number = pb.LostReason.ValueType(enum_number(pb.LostReason, reason))
    return _ended(
        pb.Outcome(
            lost=pb.Lost(reason=number),
            category=pb.ERROR_CATEGORY_TEMPORARY,
            retryable=True,
            message="the server lost the execution",
        )
    )


def _ended(outcome: pb.Outcome) -> pb.Finished:
    return pb.Finished(outcome=outcome, usage=pb.Usage())
