"""
Builds the limits of a call from Python values.  Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import execution_pb2 as pb

Limits = Mapping[str, float] | pb.Limits | None

_SECONDS = {"wall_seconds": "wall", "cpu_seconds": "cpu"}
_ALIASES = {"wall": "wall_seconds", "cpu": "cpu_seconds"}
LIMIT_NAMES = (
    *_SECONDS,
    *(field.name for field in pb.Limits.DESCRIPTOR.fields if field.message_type is None),
)


def limits_message(limits: Limits) -> pb.Limits | None:
    """
    Limits by name: `wall_seconds` and `cpu_seconds` (or `wall` and `cpu`), sizes in bytes, counts.

    Raises:
        ValueError: an unknown name, one that is there twice, or a value that is no limit.
    """
    if isinstance(limits, pb.Limits):
        return limits
    if not limits:
        return None
    message = pb.Limits()
    for given, value in limits.items():
        name = _ALIASES.get(given, given)
        if name != given and name in limits:
            raise ValueError(f"limits has both {given!r} and {name!r}; keep one")
        if name in _SECONDS:
            getattr(message, _SECONDS[name]).CopyFrom(duration(f"limits.{name}", value))
        elif name in LIMIT_NAMES:
            _set_count(message, name, value)
        else:
            raise ValueError(f"no limit is called {name!r}; they are {', '.join(LIMIT_NAMES)}")
    return message


def _set_count(message: pb.Limits, name: str, value: float) -> None:
    if value != int(value) or value <= 0:
        raise ValueError(f"limits.{name} must be a positive whole number, not {value!r}")
    setattr(message, name, int(value))


def duration(name: str, seconds: float) -> Duration:
    """
    Raises:
        ValueError: it is not positive and finite.
    """
    if not 0 < seconds < math.inf:
        raise ValueError(f"{name} must be a positive number of seconds, not {seconds!r}")
    whole, nanos = divmod(max(1, round(seconds * 10**9)), 10**9)
    return Duration(seconds=whole, nanos=nanos)
