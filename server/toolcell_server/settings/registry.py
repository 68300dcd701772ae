"""
The section `[registry]`: whether tools may be registered while the server runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks, upload_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.settings.upload_keys import UploadKey

_MEBIBYTE: Final = 2**20
_MOST: Final = 15 * _MEBIBYTE  # of one message, which the server takes up to 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """
    Without `enabled` the tools are those of the bundles.  Code is uploaded only if it is signed by
    one of `upload_keys`, or by whoever may register without `require_signature`; at most
    `upload_bytes` at once, and `uploads_bytes` together.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = False
    upload_keys: tuple[UploadKey, ...] = ()
    require_signature: bool = True
    upload_bytes: int = 8 * _MEBIBYTE
    uploads_bytes: int = 256 * _MEBIBYTE

    def __post_init__(self) -> None:
        checks.switch("registry.enabled", self.enabled)
        checks.switch("registry.require_signature", self.require_signature)
        checks.number("registry.upload_bytes", self.upload_bytes, 1024, _MOST, whole=True)
        checks.number("registry.uploads_bytes", self.uploads_bytes, _MOST, 2**40, whole=True)

    @property
    def uploads(self) -> bool:
        """
        Whether code may be uploaded: signed by a listed key, or by anybody if that is not required.
        """
        return self.enabled and bool(self.upload_keys or not self.require_signature)

    @property
    def keys(self) -> tuple[UploadKey, ...]:
        """
        The keys that uploads may be signed by.
        """
        return self.upload_keys

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        keys = upload_keys.build(section.get("upload_keys", ()))
        return cls(**{**section, "upload_keys": keys})
