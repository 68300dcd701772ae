"""
The section `[records]`: what is kept of executions in `state_dir`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEBIBYTE: Final = 2**20
SYNCHRONOUS: Final = ("normal", "full")
_LEAST_BYTES: Final = MEBIBYTE
_BOUNDS: Final = {
    "maximum_count": (1, 10_000_000),
    "maximum_bytes": (_LEAST_BYTES, 1024 * 1024 * MEBIBYTE),
    "result_bytes": (0, 64 * MEBIBYTE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsSettings:
    """
    At most `maximum_count` endings and about `maximum_bytes` of them, the oldest going first; of
    results above `result_bytes` only the size.  `synchronous`: "normal", and what is written
    survives the death of the server, or "full", and it survives that of the machine, for a write
    through to the disk with each call.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    maximum_count: int = 100_000
    maximum_bytes: int = 512 * MEBIBYTE
    result_bytes: int = 4 * MEBIBYTE
    synchronous: str = "normal"

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _BOUNDS.items():
            checks.number(f"records.{name}", getattr(self, name), lowest, highest, whole=True)
        checks.one_of("records.synchronous", self.synchronous, SYNCHRONOUS)
        if self.result_bytes > self.maximum_bytes // 4:
            raise SettingsError(
                f"is more than a quarter of records.maximum_bytes = {self.maximum_bytes}",
                "lower it, or raise records.maximum_bytes",
                key="records.result_bytes",
                value=self.result_bytes,
            )

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)
