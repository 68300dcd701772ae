"""
Spans of time between the contract (google.protobuf.Duration) and seconds.
"""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from toolcell_server.refusals import InvalidField

NANOSECONDS = 10**9
MAXIMUM_SECONDS = 315_576_000_000  # of the type itself: about ten thousand years


def to_seconds(field: str, duration: Duration) -> float:
    """
    Seconds, 0.0 for an empty duration.

    Raises:
        InvalidField: it is negative, or its parts are outside what a Duration may hold.
    """
    if duration.seconds < 0 or duration.nanos < 0:
        raise InvalidField(field, "a duration is positive; leave the field out to set none")
    if duration.seconds > MAXIMUM_SECONDS or duration.nanos >= NANOSECONDS:
        raise InvalidField(
            field, f"a duration has at most {MAXIMUM_SECONDS} seconds and 999999999 nanos"
        )
    return duration.seconds + duration.nanos / NANOSECONDS


def to_duration(seconds: float) -> Duration:
    """
    A Duration of that many seconds, to the nearest nanosecond.
    """
    whole, nanos = divmod(round(seconds * NANOSECONDS), NANOSECONDS)
    return Duration(seconds=whole, nanos=nanos)
