"""
Durations whose quantiles are off by at most one percent, however many there were (DDSketch: Masson
and others, VLDB 2019).
"""

from __future__ import annotations

from typing import Any, Final

from ddsketch import DDSketch
from ddsketch.pb import ddsketch_pb2
from ddsketch.pb.proto import DDSketchProto

ACCURACY: Final = 0.01  # of a quantile, relative
SHORTEST: Final = 1e-6  # seconds; the bins grow with the range of what they hold
LONGEST: Final = 1e8
# The library ships no types.
_messages: Any = ddsketch_pb2
_proto: Any = DDSketchProto


class Sketch:
    """
    A sketch of seconds.
    """

    def __init__(self, base: Any = None) -> None:
        self._base = base or DDSketch(ACCURACY)

    def add(self, seconds: float) -> None:
        self._base.add(min(max(seconds, SHORTEST), LONGEST))

    def quantile(self, part: float) -> float:
        """
        Seconds within which that part of them lie; 0.0 if there is none.
        """
        return float(self._base.get_quantile_value(part) or 0.0)

    def dumped(self) -> bytes:
        return bytes(_proto.to_proto(self._base).SerializeToString())

    @classmethod
    def restored(cls, data: bytes) -> Sketch:
        """
        What was dumped.

        Raises:
            ValueError: it was not.
        """
        try:
            return cls(_proto.from_proto(_messages.DDSketch.FromString(data)))
        except Exception as exc:  # protobuf's errors differ between its versions
            raise ValueError(f"no sketch of durations: {exc}") from exc
