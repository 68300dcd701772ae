"""
The numeric ceilings of one execution.  Pure: no input, no output.

Theory of operation.  Four hands set a limit, and none may pass the one before: the operator's
ceilings, the operator's defaults, the tool's manifest, the call.  What the manifest asks beyond
the ceilings is lowered in silence, because whoever wrote the tool does not know this host; what
the *call* asks beyond the tool's limits is refused by name, because a caller who believes in 60
seconds and gets 30 has been lied to.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.durations import to_duration, to_seconds
from toolcell_server.refusals import LimitAboveCeiling

if TYPE_CHECKING:
    from collections.abc import Mapping

MEBIBYTE = 2**20
MAXIMUM_SECONDS = 7 * 24 * 3600.0  # arbitrary; far above any tool call, far below any overflow
MAXIMUM_COUNT = 2**31 - 1  # the cell is told counts in 32 bits
MAXIMUM_BYTES = 2**62  # the cell is told sizes in 64 bits; RLIM_INFINITY must stay out of reach

_SECONDS = ("wall_seconds", "cpu_seconds")
_COUNTS = ("processes", "open_files", "connections")
_BUDGETS = ("file_operations",)  # there is none unless somebody sets one


@dataclass(frozen=True, kw_only=True)
class Limits:
    """
    Ceilings of one execution: times in seconds, sizes in bytes, counts.  Zero is never "unlimited",
    but for `file_operations`: they are counted only if somebody limits them.

    Raises:
        ValueError: a value is not a positive, finite number in range; names the key.
    """

    wall_seconds: float = 30.0
    cpu_seconds: float = 10.0
    memory_bytes: int = 512 * MEBIBYTE
    output_bytes: int = 1 * MEBIBYTE
    result_bytes: int = 4 * MEBIBYTE
    processes: int = 32
    open_files: int = 256
    disk_bytes: int = 64 * MEBIBYTE
    file_size_bytes: int = 64 * MEBIBYTE
    arguments_bytes: int = 1 * MEBIBYTE
    file_operations: int = 0
    network_bytes: int = 256 * MEBIBYTE
    connections: int = 256

    def __post_init__(self) -> None:
        for name in NAMES:
            _check(name, getattr(self, name))

    @classmethod
    def from_manifest(cls, asked: Mapping[str, Any], defaults: Limits, ceilings: Limits) -> Limits:
        """
        The limits of a tool: what its manifest asks, else the defaults, never above the ceilings.

        Raises:
            ValueError: an unknown key, or a value that is no limit; names the key and the remedy.
        """
        unknown = sorted(set(asked) - set(NAMES))
        if unknown:
            raise ValueError(
                f"limits.{unknown[0]} is not a limit; the limits are {', '.join(NAMES)}"
            )
        return (
            dataclasses.replace(defaults, **asked).capped_by(ceilings)
            if asked
            else _usual(defaults, ceilings)
        )

    def capped_by(self, ceilings: Limits) -> Limits:
        """
        The lower of both, limit by limit.
        """
        lower = {name: _lower(name, getattr(self, name), getattr(ceilings, name)) for name in NAMES}
        return Limits(**lower)

    def narrowed_by(self, asked: pb.Limits) -> Limits:
        """
        These limits, lowered to what a call asks; what is zero or absent stays.

        Raises:
            InvalidField: a duration is negative or malformed.
            LimitAboveCeiling: a value is above this one; names it, and both values.
        """
        if not asked.ByteSize():  # as most calls
            return self
        lowered = {name: value for name in NAMES if (value := _asked(asked, name))}
        for name, value in lowered.items():
            allowed = getattr(self, name)
            if value > allowed and not _absent(name, allowed):
                raise LimitAboveCeiling(_field(name), value, allowed)
        return dataclasses.replace(self, **lowered)

    def to_proto(self) -> pb.Limits:
        """
        Every limit, as the contract carries them.  Every call has the same message: it is not to
        be changed.
        """
        return self._proto

    @functools.cached_property
    def _proto(self) -> pb.Limits:
        values = {name: getattr(self, name) for name in NAMES if name not in _SECONDS}
        return pb.Limits(
            wall=to_duration(self.wall_seconds), cpu=to_duration(self.cpu_seconds), **values
        )


@functools.lru_cache(maxsize=8)
def _usual(defaults: Limits, ceilings: Limits) -> Limits:
    """
    Those of the many tools that ask for none.
    """
    return defaults.capped_by(ceilings)


NAMES = tuple(field.name for field in dataclasses.fields(Limits))


def _absent(name: str, value: Any) -> bool:
    return name in _BUDGETS and value == 0


def _lower(name: str, first: Any, second: Any) -> Any:
    if _absent(name, first) or _absent(name, second):
        return first or second
    return min(first, second)


def _asked(asked: pb.Limits, name: str) -> Any:
    value = getattr(asked, _field(name))
    return to_seconds(f"limits.{_field(name)}", value) if name in _SECONDS else value


def _field(name: str) -> str:
    """
    The field of the contract; a Duration needs no unit in its name.
    """
    return name.removesuffix("_seconds")


def _check(name: str, value: Any) -> None:
    if name in _SECONDS:
        kinds: tuple[type, ...] = (int, float)
        kind, maximum = "number of seconds", MAXIMUM_SECONDS
    elif name in (*_COUNTS, *_BUDGETS):
        kinds, kind, maximum = (int,), "whole number", MAXIMUM_COUNT
    else:
        kinds, kind, maximum = (int,), "whole number of bytes", MAXIMUM_BYTES
    number = isinstance(value, kinds) and not isinstance(value, bool)
    if not number or not (_absent(name, value) or 0 < value <= maximum):  # NaN compares false
        raise ValueError(
            f"limits.{name} must be a positive {kind}, at most {maximum}, not {value!r}"
        )
