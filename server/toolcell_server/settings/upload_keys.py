"""
The list `[[registry.upload_keys]]`: who may sign code that is uploaded.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

_RAW_BYTES: Final = 32
_HEAD: Final = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"  # of such a key (RFC 8410)
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadKey:
    """
    A public key of Ed25519, and the name that it has in lists and logs.  `public_key` is its PEM,
    or the base64 inside that.
    """

    name: str
    public_key: str

    def __post_init__(self) -> None:
        checks.text("registry.upload_keys.name", self.name)
        checks.text("registry.upload_keys.public_key", self.public_key)
        if not (self.name.isprintable() and 0 < len(self.name) <= _LONGEST_NAME):
            raise SettingsError(
                "is no name for a key",
                "use 1 to 64 printable characters",
                key="registry.upload_keys.name",
                value=self.name,
            )
        if len(self.raw) != _RAW_BYTES:
            raise SettingsError(
                "is no public key of Ed25519",
                "give what `openssl pkey -pubout` prints, or the base64 in it",
                key="registry.upload_keys.public_key",
                value=self.public_key,
            )

    @property
    def raw(self) -> bytes:
        """
        The 32 bytes of the key; others, if it is none.
        """
        lines = self.public_key.split("\n")
        text = "".join(line.strip() for line in lines if not line.startswith("-----"))
        try:
            return base64.b64decode(text, validate=True).removeprefix(_HEAD)
        except (binascii.Error, ValueError):
            return b""


def build(entries: Any) -> tuple[UploadKey, ...]:
    """
    From the list of the settings.

    Raises:
        SettingsError: an entry cannot be used, or two have one name.
    """
    key = "registry.upload_keys"
    if not isinstance(entries, list | tuple) or not all(isinstance(one, dict) for one in entries):
        raise SettingsError(
            "is no list of tables", "write each as [[registry.upload_keys]]", key=key, value=entries
        )
    keys = [_one(index, entry) for index, entry in enumerate(entries)]
    for one in keys:
        if [each.name for each in keys].count(one.name) > 1:
            raise SettingsError("is the name of two keys", "rename one", key=key, value=one.name)
    return tuple(keys)


def _one(index: int, entry: dict[str, Any]) -> UploadKey:
    key = f"registry.upload_keys[{index}]"
    for name in entry:
        check_known(f"{key}.{name}", name, UploadKey.__slots__)
    for name in UploadKey.__slots__:
        if name not in entry:
            raise SettingsError("is missing", "give name and public_key", key=f"{key}.{name}")
    return UploadKey(**entry)
