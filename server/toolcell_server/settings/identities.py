"""
The principals that an operator lists: `[[auth.tokens]]` and `[[auth.certificates]]`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.principal import Principal
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known
from toolcell_server.settings.references import reference

if TYPE_CHECKING:
    from toolcell_server.secret_sources import Reference

_PRINCIPAL: Final = ("name", "roles", "scopes", "labels")
_TOKEN: Final = (*_PRINCIPAL, "sha256", "token", "expires")
_CERTIFICATE: Final = (*_PRINCIPAL, "san")
_NAME: Final = re.compile(r"[\w.@:/+=-]{1,256}", re.ASCII)
_WORD: Final = re.compile(r"[\x21-\x7e]{1,256}")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """
    Who a token is of.  Either `digest`, its SHA-256, or `reference`, where it is kept; `expires`
    in seconds since the epoch.
    """

    principal: Principal
    digest: bytes = b""
    reference: Reference | None = None
    expires: float = math.inf

    @classmethod
    def build(cls, key: str, entries: Any, *, inline: bool = False) -> tuple[Self, ...]:
        """
        The tokens of a list of tables.  `inline`: by their digest only.

        Raises:
            SettingsError: one of them cannot be used; no value that may be a token is shown.
        """
        return tuple(
            cls._one(f"{key}[{index}]", entry, inline=inline)
            for index, entry in enumerate(_tables(key, entries, _TOKEN))
        )

    @classmethod
    def _one(cls, key: str, entry: Mapping[str, Any], *, inline: bool) -> Self:
        principal, expires = _principal(key, entry), _expiry(f"{key}.expires", entry.get("expires"))
        if ("sha256" in entry) == ("token" in entry):
            remedy = 'give sha256="…", which `toolcell token new` prints, or token={file="…"}'
            raise SettingsError("needs either sha256 or token", remedy, key=key)
        if "token" in entry and inline:
            raise SettingsError("is not taken here", "give sha256", key=f"{key}.token")
        if "token" in entry:
            return cls(principal, b"", reference(f"{key}.token", entry["token"]), expires)
        digest = entry["sha256"]
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            what, remedy = "is no SHA-256 in hex", "make one with: toolcell token hash"
            raise SettingsError(what, remedy, key=f"{key}.sha256")
        return cls(principal, bytes.fromhex(digest), None, expires)


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """
    Who a client certificate is of, by a name in it: a URI has "://", an address of mail has "@",
    everything else is a DNS name.
    """

    san: str
    principal: Principal

    @classmethod
    def build(cls, entries: Any) -> tuple[Self, ...]:
        """
        The certificates of a list of tables.

        Raises:
            SettingsError: one of them cannot be used.
        """
        key = "auth.certificates"
        return tuple(
            cls(
                _word(f"{key}[{index}].san", entry.get("san")), _principal(f"{key}[{index}]", entry)
            )
            for index, entry in enumerate(_tables(key, entries, _CERTIFICATE))
        )


def _tables(key: str, entries: Any, known: tuple[str, ...]) -> list[Mapping[str, Any]]:
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise SettingsError("is no list of tables", f"write each as [[{key}]]", key=key)
    for index, entry in enumerate(entries):
        for name in entry:
            check_known(f"{key}[{index}].{name}", name, known)
    return entries


def _principal(key: str, entry: Mapping[str, Any]) -> Principal:
    name, labels = entry.get("name"), entry.get("labels", {})
    if name is None:
        raise SettingsError("has no name", 'give it one, as in name = "alice"', key=key)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        remedy = "use letters, digits and . _ @ : / + = -, at most 256"
        raise SettingsError("is no name of a principal", remedy, key=f"{key}.name")
    if not isinstance(labels, Mapping):
        raise SettingsError("is no table", 'write it as {team="blue"}', key=f"{key}.labels")
    for label, value in labels.items():
        checks.text(f"{key}.labels.{label}", value)
    return Principal(
        name=name,
        roles=_words(f"{key}.roles", entry.get("roles", [])),
        scopes=_words(f"{key}.scopes", entry.get("scopes", [])),
        labels=dict(labels),
    )


def _words(key: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise SettingsError("is no list", 'write it as ["…"]', key=key, value=value)
    return frozenset(_word(f"{key}[{index}]", each) for index, each in enumerate(value))


def _word(key: str, value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        remedy = "write one word of printable ASCII, in quotes"
        raise SettingsError("is missing or no word", remedy, key=key)
    return value


def _expiry(key: str, value: Any) -> float:
    if value is None:
        return math.inf
    moment = value
    if isinstance(value, str):
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, dt.datetime) or moment.tzinfo is None:
        what, remedy = "is no moment with an offset", "write it as 2030-01-31T00:00:00Z"
        raise SettingsError(what, remedy, key=key, value=str(value))
    return moment.timestamp()
