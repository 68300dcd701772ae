"""
The section `[breaker]`: when a tool is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from toolcell_server.breaking.circuit import Rules
from toolcell_server.settings import checks

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """
    After `failures` within `window_seconds` a tool is left alone for `open_seconds`; then
    `half_open` calls at a time try whether it works.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = True
    failures: int = 5
    window_seconds: float = 30.0
    open_seconds: float = 10.0
    half_open: int = 1

    def __post_init__(self) -> None:
        checks.switch("breaker.enabled", self.enabled)
        checks.number("breaker.failures", self.failures, 2, 1000, whole=True)
        checks.number("breaker.window_seconds", self.window_seconds, 0.1, 3600, whole=False)
        checks.number("breaker.open_seconds", self.open_seconds, 0.1, 3600, whole=False)
        checks.number("breaker.half_open", self.half_open, 1, 100, whole=True)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)

    def rules(self) -> Rules:
        """
        As a circuit takes them.
        """
        return Rules(
            failures=self.failures,
            window_seconds=self.window_seconds,
            open_seconds=self.open_seconds,
            half_open=self.half_open,
        )
