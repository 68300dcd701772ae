"""
The section `[registry]`: whether tools may be registered while the server runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from toolcell_server.settings import checks

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """
    Without `enabled` the tools are those of the bundles.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = False

    def __post_init__(self) -> None:
        checks.switch("registry.enabled", self.enabled)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)
