"""
Where the chain of records stands, and its next line.  Pure.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from toolcell_server.audit import lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# A record of this size holds whatever an execution can honestly tell of itself.
LARGEST_DATA: Final = 256 * 1024


@dataclass(slots=True)
class Chain:
    """
    A log that has `sequence` records, the last of which has that hash.
    """

    source: str
    sequence: int = 0
    hash: str = lines.NO_HASH

    def next(self, kind: str, data: Mapping[str, Any], now: int, subject: str = "") -> bytes:
        """
        The line of the next record; `now` in nanoseconds since 1970.
        """
        content = lines.encoded(data)
        if len(content) > LARGEST_DATA:
            content = lines.encoded({"left_out_bytes": len(content)})
        head = (kind, rfc3339(now), subject)
        line, digest = lines.write(self.source, self.sequence + 1, self.hash, head, content)
        self.sequence, self.hash = self.sequence + 1, digest
        return line


def rfc3339(nanoseconds: int) -> str:
    """
    A moment in UTC, to the microsecond: "2026-11-27T13:00:00.000000Z".
    """
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{_second(seconds)}.{rest // 1000:06}Z"


@functools.lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
