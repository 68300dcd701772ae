"""
Secrets that the egress adds to requests, so that no tool ever holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from toolcell_server.egress.http_secrets import Secret
from toolcell_server.egress.names import Pattern

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Credential:
    """
    A header, and the hosts that may get it: whoever writes a manifest must not choose where the
    operator's secrets go.
    """

    header: str
    value: Secret
    hosts: tuple[Pattern, ...]

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Self:
        """
        From what the server tells: {"header", "value", "hosts"}.

        Raises:
            ValueError: a host is no pattern, or the value cannot be sent; it is not in the text.
        """
        hosts = tuple(Pattern.parse(host) for host in told["hosts"])
        return cls(told["header"], Secret(told["value"]), hosts)

    def may_go_to(self, host: str) -> bool:
        return any(pattern.matches(host) for pattern in self.hosts)
