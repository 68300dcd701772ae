"""
The section `[workflows]`: how large workflows may be, and how long they are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEBIBYTE: Final = 2**20
_DAY: Final = 24 * 3600.0
_WHOLE: Final = {
    "definition_bytes": (1024, 2 * _MEBIBYTE),
    "definitions": (1, 100_000),
    "steps": (1, 1000),
    "items": (1, 10_000),
    "executions": (1, 100_000),
    "parallel": (1, 256),
    "runs": (1, 10_000),
    "result_bytes": (0, 3 * _MEBIBYTE),
    "kept_bytes": (0, 256 * _MEBIBYTE),
    "maximum_bytes": (_MEBIBYTE, 1024 * 1024 * _MEBIBYTE),
}
_SECONDS: Final = {
    "duration_seconds": (0.1, 30 * _DAY),
    "approval_seconds": (0.0, 7 * _DAY),
    "capacity_seconds": (0.0, _DAY),
    "keep_seconds": (0.0, 365 * _DAY),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSettings:
    """
    A principal has at most so many `definitions`, each of at most `definition_bytes` with so many
    `steps`, and so many `runs` that have not ended.  A run makes at most so many `executions`, of
    loops with so many `items`, `parallel` at once, and lasts `duration_seconds`; it keeps results
    of up to `result_bytes`, together `kept_bytes`; a call in it waits `approval_seconds` for its
    approval, and `capacity_seconds` for a place.  Runs that have ended are kept for `keep_seconds`,
    and of all of them about `maximum_bytes`, the oldest of whoever has most going first.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = True
    definition_bytes: int = 256 * 1024
    definitions: int = 200
    steps: int = 100
    items: int = 1000
    executions: int = 2000
    parallel: int = 8
    runs: int = 50
    duration_seconds: float = _DAY
    approval_seconds: float = 3600.0
    capacity_seconds: float = 300.0
    result_bytes: int = 256 * 1024
    kept_bytes: int = 8 * _MEBIBYTE
    keep_seconds: float = 7 * _DAY
    maximum_bytes: int = 512 * _MEBIBYTE

    def __post_init__(self) -> None:
        checks.switch("workflows.enabled", self.enabled)
        for name, (least, most) in _WHOLE.items():
            checks.number(f"workflows.{name}", getattr(self, name), least, most, whole=True)
        for name, (shortest, longest) in _SECONDS.items():
            checks.number(f"workflows.{name}", getattr(self, name), shortest, longest, whole=False)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)
