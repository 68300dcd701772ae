"""
The section `[egress]`: how names are resolved, and which secrets may be added for tools.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Self

from toolcell_server.addresses import Address
from toolcell_server.egress.http_secrets import Secret, check_names
from toolcell_server.egress.names import Pattern
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

_KEYS: Final = ("name", "header", "prefix", "env", "file", "hosts")


@dataclass(frozen=True, slots=True)
class CredentialSettings:
    """
    A secret by reference: a header that is added to requests to these hosts, for tools whose
    manifest names it.  The value is `prefix` and what the environment variable or the file holds.

    Raises:
        SettingsError: something of it cannot be used; the value is in no text.
    """

    name: str
    header: str
    hosts: tuple[str, ...]
    value: Secret
    prefix: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """
        What must not be shown: the value, and what of it was read.
        """
        whole = self.value.reveal()
        return whole, whole.removeprefix(self.prefix)

    @classmethod
    def parse(cls, index: int, entry: Any) -> Self:
        key = f"egress.credentials[{index}]"
        if not isinstance(entry, Mapping):
            raise SettingsError("is no table", 'write {name="…", …}', key=key)
        for name in entry:
            check_known(f"{key}.{name}", name, _KEYS)
        for name in ("name", "header"):
            checks.text(f"{key}.{name}", entry.get(name, ""))
            if not entry.get(name):
                raise SettingsError("is missing", "write it as a text", key=f"{key}.{name}")
        hosts = entry.get("hosts", [])
        if not isinstance(hosts, list) or not hosts:
            raise SettingsError("names no host", 'give hosts = ["api.example.com"]', key=key)
        patterns = tuple(_host(f"{key}.hosts[{at}]", host) for at, host in enumerate(hosts))
        try:
            value = Secret(f"{entry.get('prefix', '')}{_read(key, entry)}")
            check_names([(entry["header"], value)])
        except (TypeError, ValueError) as exc:
            raise SettingsError(str(exc), "correct it", key=key) from None
        return cls(entry["name"], entry["header"], patterns, value, str(entry.get("prefix", "")))

    def told(self) -> dict[str, Any]:
        """
        As the egress is told of it, and nobody else.
        """
        return {"header": self.header, "value": self.value.reveal(), "hosts": list(self.hosts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressSettings:
    """
    `resolver` are name servers as `address:port`, tried in order; none: the host's own resolver.
    `ca_file` holds the authorities that the relay trusts where it speaks TLS itself; empty: the
    host's.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    resolver: tuple[str, ...] = ()
    ca_file: str = ""
    credentials: tuple[CredentialSettings, ...] = ()

    def __post_init__(self) -> None:
        for server in self.resolver:
            _name_server(server)
        if self.ca_file:
            _check_authorities(self.ca_file)
        for name in self.names:
            if self.names.count(name) > 1:
                key = "egress.credentials.name"
                raise SettingsError("is given twice", "rename one", key=key, value=name)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        resolver, credentials = section.get("resolver", []), section.get("credentials", [])
        for key, value in (("resolver", resolver), ("credentials", credentials)):
            if not isinstance(value, list):
                raise SettingsError("is no list", "write it as […]", key=f"egress.{key}")
        checks.text("egress.ca_file", section.get("ca_file", "-"))
        return cls(
            resolver=tuple(resolver),
            ca_file=section.get("ca_file", ""),
            credentials=tuple(
                CredentialSettings.parse(index, entry) for index, entry in enumerate(credentials)
            ),
        )

    @property
    def names(self) -> list[str]:
        """
        The names of the credentials.
        """
        return [credential.name for credential in self.credentials]

    def servers(self) -> list[tuple[str, int]]:
        """
        Host and port of each name server.
        """
        return [_name_server(server) for server in self.resolver]


def _host(key: str, text: Any) -> str:
    try:
        return Pattern.parse(text).text
    except (AttributeError, TypeError, ValueError) as exc:
        what = str(exc) if isinstance(text, str) else "is no text"
        remedy = 'write it as "api.example.com"'
        raise SettingsError(what, remedy, key=key, value=text) from None


def _check_authorities(file: str) -> None:
    """
    What cannot be loaded would end each connection that a credential is added to.
    """
    key, remedy = "egress.ca_file", "name a PEM file with the certificates of authorities"
    if not Path(file).is_file():
        raise SettingsError("is no file", remedy, key=key, value=file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        raise SettingsError("holds no certificate", remedy, key=key, value=file) from None
    except OSError as exc:
        what = f"cannot be read: {exc.strerror}"
        raise SettingsError(what, remedy, key=key, value=file) from None


def _read(key: str, entry: Mapping[str, Any]) -> str:
    if ("env" in entry) == ("file" in entry):
        raise ValueError("give either env, the name of a variable, or file, a path")
    if "env" in entry:
        value = os.environ.get(entry["env"], "")
        if not value:
            raise ValueError(f"the environment variable {entry['env']} is not set")
        return value
    try:
        return Path(entry["file"]).read_text().strip()
    except OSError as exc:
        raise ValueError(f"{key}.file: {entry['file']} cannot be read: {exc.strerror}") from None


def _name_server(text: Any) -> tuple[str, int]:
    try:
        address = Address.parse(text)
        ip_address(address.host)  # a name would need a name server itself
    except (ValueError, AttributeError, TypeError):
        address = None
    if address is None or not address.port:
        raise SettingsError(
            "is no address and port of a name server",
            'write it as "9.9.9.9:53"',
            key="egress.resolver",
            value=text,
        )
    return address.host, address.port
