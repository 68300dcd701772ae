"""
The section `[batch]`: how large batches may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from toolcell_server.settings import checks

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """
    A batch has at most `max_calls`, of which at most `max_parallel` are open at once.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    max_calls: int = 100
    max_parallel: int = 8

    def __post_init__(self) -> None:
        checks.number("batch.max_calls", self.max_calls, 1, 10_000, whole=True)
        checks.number("batch.max_parallel", self.max_parallel, 1, 256, whole=True)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)
