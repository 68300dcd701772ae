"""
The section `[cache]`: how many results are kept, and how long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEBIBYTE: Final = 2**20
_DAY: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """
    At most so many `entries` and `bytes` are kept of tools that ask for it, none for longer than
    `longest_seconds`, whatever its tool says.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = True
    entries: int = 500
    bytes: int = 64 * _MEBIBYTE
    longest_seconds: float = 3600.0

    def __post_init__(self) -> None:
        checks.switch("cache.enabled", self.enabled)
        checks.number("cache.entries", self.entries, 1, 10_000, whole=True)
        checks.number("cache.bytes", self.bytes, 64 * 1024, 16_384 * _MEBIBYTE, whole=True)
        checks.number("cache.longest_seconds", self.longest_seconds, 0.1, 30 * _DAY, whole=False)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)
