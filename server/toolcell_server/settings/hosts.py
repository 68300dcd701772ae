"""
The section `[hosts]`: whether clients may host tools, how many, and how long they may be silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE: Final = {
    "most": (1, 10_000),
    "most_per_principal": (1, 10_000),
    "tools": (1, 1000),
    "concurrency": (1, 1024),
    "queue": (0, 65_536),
    "window_bytes": (16 * 1024, 16 * 2**20),
}
_SECONDS: Final = {
    "queue_seconds": (0.1, 3600),
    "heartbeat_seconds": (0.1, 3600),
    "cancel_grace_seconds": (0, 60),
    "stream_seconds": (1, 30 * 24 * 3600),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsSettings:
    """
    With `enabled`, and only then, clients may host tools, which run outside every cell, whatever
    `policy.minimum_isolation` says.  At most so many hosts (`most`, `most_per_principal`), each
    with so many `tools` and calls at once (`concurrency`); of each tool so many calls may wait
    (`queue`), for `queue_seconds`.  A host that misses three heartbeats is gone; a stream that is
    older than `stream_seconds` is ended in good order: whoever hosts shows again who he is.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = False
    most: int = 64
    most_per_principal: int = 8
    tools: int = 64
    concurrency: int = 32
    queue: int = 64
    queue_seconds: float = 10.0
    heartbeat_seconds: float = 5.0
    cancel_grace_seconds: float = 2.0
    window_bytes: int = 256 * 1024
    stream_seconds: float = 3600.0

    def __post_init__(self) -> None:
        checks.switch("hosts.enabled", self.enabled)
        for name, (lowest, highest) in _WHOLE.items():
            checks.number(f"hosts.{name}", getattr(self, name), lowest, highest, whole=True)
        for name, (shortest, longest) in _SECONDS.items():
            checks.number(f"hosts.{name}", getattr(self, name), shortest, longest, whole=False)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)
