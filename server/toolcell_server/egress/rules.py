"""
What one rule of egress grants: hosts, a port, a protocol, and how much of it.  Pure.

Text forms: `host:port`, `https://host[:port]`, `http://host[:port]`, `tls://host:port` and
`tcp://host:port`.  A bare port means what it usually carries: 443 tls, 80 http, any other tcp.
A table has a text form as `domain`, and the options as further keys.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.egress import rule_entries
from toolcell_server.egress.names import Pattern
from toolcell_server.egress.request_paths import path_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

HIGHEST_PORT: Final = 65535
# RFC 9110 9.1 tokens, of which every registered method is in capitals.
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,31}")
_CREDENTIAL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class Protocol(enum.StrEnum):
    """
    What the relay reads before it lets anything through: a ClientHello, requests, or nothing.
    """

    TLS = "tls"
    HTTP = "http"
    TCP = "tcp"


_USUAL: Final = {443: Protocol.TLS, 80: Protocol.HTTP}
_SCHEMES: Final = {
    "https": (Protocol.TLS, "443"),
    "http": (Protocol.HTTP, "80"),
    "tls": (Protocol.TLS, ""),
    "tcp": (Protocol.TCP, ""),
}


def usual_protocol(port: int) -> Protocol:
    """
    What a port carries when an entry does not say.
    """
    return _USUAL.get(port, Protocol.TCP)


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One grant.  `without_sni` and `encrypted_hello` let a ClientHello pass that does not show its
    name.  Empty `methods` and `path_prefixes` mean any.  `credential` names one that the operator
    configured: the relay adds it to each request and speaks TLS to `upstream_port`.

    Raises:
        ValueError: an option contradicts the others; names it and the remedy.
    """

    pattern: Pattern
    port: int
    protocol: Protocol
    without_sni: bool = False
    encrypted_hello: bool = False
    methods: frozenset[str] = frozenset()
    path_prefixes: tuple[str, ...] = ()
    credential: str = ""
    upstream_port: int = 443

    def __post_init__(self) -> None:
        for name, protocol in rule_entries.OPTIONS.items():
            default = type(self).__dataclass_fields__[name].default
            if getattr(self, name) != default and self.protocol != protocol:
                raise ValueError(
                    f"{name} needs {protocol}, and this is {self.protocol}; leave it out"
                )
        for port in (self.port, self.upstream_port):
            if not 1 <= port <= HIGHEST_PORT:
                raise ValueError(f"port {port} is not from 1 to {HIGHEST_PORT}; name one that is")
        self._check_requests()
        self._check_credential()

    def _check_requests(self) -> None:
        for method in sorted(self.methods):
            if not _METHOD.fullmatch(method):
                raise ValueError(f"methods: {method!r:.40} is none; write it as GET")
        if "CONNECT" in self.methods:
            raise ValueError("methods: CONNECT opens a tunnel; name what it leads to as a rule")
        for prefix in self.path_prefixes:
            if fault := path_fault(prefix):
                raise ValueError(f"path_prefixes: {prefix!r:.80} {fault}; write it as /v1/items")

    def _check_credential(self) -> None:
        if not self.credential:
            if self.upstream_port != 443:
                raise ValueError("upstream_port is for a credential; leave it out")
            return
        if not _CREDENTIAL.fullmatch(self.credential):
            raise ValueError(f"credential: {self.credential!r:.40} is no name; use letters and _")
        if self.pattern.wildcard:
            raise ValueError("credential must not go to whatever a wildcard covers; name one host")

    @classmethod
    def parse(cls, entry: str | Mapping[str, Any]) -> Self:
        """
        The rule of an entry of a manifest's `domains`.

        Raises:
            ValueError: it is none; names the entry, the fault and the remedy.
        """
        try:
            return cls.of(*rule_entries.split(entry))
        except ValueError as exc:
            raise ValueError(f"domains: {entry!r:.160}: {exc}") from None

    @classmethod
    def of(cls, text: str, options: Mapping[str, Any]) -> Self:
        """
        The rule of a text form and of options as `rule_entries.split` returns them.

        Raises:
            ValueError: there is none; names the fault and the remedy, but not the entry.
        """
        return cls(*_parsed(text), **options)

    @property
    def text(self) -> str:
        """
        The shortest text form, without options.
        """
        bare = f"{self.pattern.text}:{self.port}"
        return bare if self.protocol is usual_protocol(self.port) else f"{self.protocol}://{bare}"

    @property
    def entry(self) -> str | dict[str, Any]:
        """
        What `parse` would make the rule of again.
        """
        return rule_entries.joined(self.text, self)


def _parsed(text: str) -> tuple[Pattern, int, Protocol]:
    scheme, separator, rest = text.rpartition("://")
    if separator and scheme.lower() not in _SCHEMES:
        raise ValueError(f"has the scheme {scheme!r:.40}; use one of {', '.join(_SCHEMES)}")
    protocol, usual_port = _SCHEMES[scheme.lower()] if separator else (None, "")
    # More than one colon is an IPv6 address, which the pattern refuses by its name.
    host, digits = rest.split(":") if rest.count(":") == 1 else (rest, usual_port)
    pattern = Pattern.parse(host)
    number = parsed_port(digits)
    return pattern, number, protocol or usual_protocol(number)


def parsed_port(digits: str) -> int:
    """
    The port that a text names.

    Raises:
        ValueError: it names none, or more than one.
    """
    if not digits:
        raise ValueError("names no port; write it as host:443")
    if not re.fullmatch(r"[1-9][0-9]{0,4}", digits) or int(digits) > HIGHEST_PORT:
        raise ValueError(
            f"has the port {digits!r:.40}; name one number from 1 to {HIGHEST_PORT} in each entry"
        )
    return int(digits)
