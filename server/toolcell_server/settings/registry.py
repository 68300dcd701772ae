"""
The section `[registry]`: whether tools may be registered while the server runs, and how many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks, foreign, upload_keys
from toolcell_server.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.settings.foreign import McpSettings, OpenApiSettings
    from toolcell_server.settings.upload_keys import UploadKey

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
    # Of one message, of which the server takes 16 MiB.
    "upload_bytes": (_KIBIBYTE, 15 * _MEBIBYTE),
    "uploads_bytes": (15 * _MEBIBYTE, 2**20 * _MEBIBYTE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """
    Without `enabled` the tools are those of the bundles.  At most `maximum_tools` of together
    `maximum_bytes` are registered, and of each principal in its own scopes `maximum_own_tools` of
    `maximum_own_bytes`; none is larger than `maximum_definition_bytes`.  Tools of such a scope may
    ask for paths and domains only with `own_grants`, because they get what the policy allows
    anybody.  The last `maximum_history` changes are remembered.  `openapi` and `mcp` are entries of
    tools that the operator has himself.

    Code is uploaded if it is signed by one of `upload_keys`; without `require_signature` also by
    whoever may register.  It has at most `upload_bytes`, and all together `uploads_bytes`.

    What a session has registered goes after `session_seconds`.

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
    upload_keys: tuple[UploadKey, ...] = ()
    require_signature: bool = True
    upload_bytes: int = 8 * _MEBIBYTE
    uploads_bytes: int = 256 * _MEBIBYTE
    openapi: tuple[OpenApiSettings, ...] = ()
    mcp: tuple[McpSettings, ...] = ()
    session_seconds: float = 24 * 3600.0

    def __post_init__(self) -> None:
        checks.switch("registry.enabled", self.enabled)
        checks.switch("registry.own_grants", self.own_grants)
        checks.switch("registry.require_signature", self.require_signature)
        for name, (lowest, highest) in _BOUNDS.items():
            checks.number(f"registry.{name}", getattr(self, name), lowest, highest, whole=True)
        checks.number("registry.session_seconds", self.session_seconds, 1, _YEAR, whole=False)

    @property
    def uploads(self) -> bool:
        """
        Whether any code could be uploaded at all.
        """
        return self.enabled and (bool(self.upload_keys) or not self.require_signature)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        keys = upload_keys.build(section.get("upload_keys", ()))
        lists = {
            "openapi": foreign.openapi(section.get("openapi", [])),
            "mcp": foreign.mcp(section.get("mcp", [])),
        }
        made = cls(**{**section, **lists, "upload_keys": keys})
        for name, entries in lists.items():
            if entries and not made.enabled:
                remedy = "write enabled = true in [registry]"
                raise SettingsError("needs the registry", remedy, key=f"registry.{name}")
        return made
