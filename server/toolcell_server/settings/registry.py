"""
The section `[registry]`: whether tools may be registered while the server runs, and how many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks

if TYPE_CHECKING:
    from collections.abc import Mapping

_KIBIBYTE: Final = 2**10
_MEBIBYTE: Final = 2**20
_YEAR: Final = 365 * 24 * 3600
_BOUNDS: Final = {
    "maximum_tools": (1, 100_000),
    "maximum_bytes": (_MEBIBYTE, 4096 * _MEBIBYTE),
    "maximum_own_tools": (1, 10_000),
    "maximum_own_bytes": (64 * _KIBIBYTE, 1024 * _MEBIBYTE),
    "maximum_definition_bytes": (_KIBIBYTE, 4 * _MEBIBYTE),
    "maximum_history": (100, 10_000_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """
    Without `enabled` the tools are those of the bundles.  At most `maximum_tools` of together
    `maximum_bytes` are registered, and of each principal in its own scopes `maximum_own_tools` of
    `maximum_own_bytes`; none is larger than `maximum_definition_bytes`.  Tools of such a scope may
    ask for paths and domains only with `own_grants`, because they get what the policy allows
    anybody.  The last `maximum_history` changes are remembered.  What a session has registered goes
    after `session_seconds`.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = False
    own_grants: bool = False
    maximum_tools: int = 20_000
    maximum_bytes: int = 256 * _MEBIBYTE
    maximum_own_tools: int = 100
    maximum_own_bytes: int = 4 * _MEBIBYTE
    maximum_definition_bytes: int = 256 * _KIBIBYTE
    maximum_history: int = 100_000
    session_seconds: float = 24 * 3600.0

    def __post_init__(self) -> None:
        checks.switch("registry.enabled", self.enabled)
        checks.switch("registry.own_grants", self.own_grants)
        for name, (lowest, highest) in _BOUNDS.items():
            checks.number(f"registry.{name}", getattr(self, name), lowest, highest, whole=True)
        checks.number("registry.session_seconds", self.session_seconds, 1, _YEAR, whole=False)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        return cls(**section)
