"""
The way out, the same for every cell: how names are resolved, what may be dialled, and whom TLS
trusts where the relay speaks it itself.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Self

from toolcell_server.egress.dialling import Dialler
from toolcell_server.egress.names import Pattern
from toolcell_server.egress.resolving import NameServers, SystemResolver

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Outside:
    """
    `denied` are patterns of the operator's policy, which beat every grant.
    """

    dialler: Dialler
    tls: ssl.SSLContext
    denied: tuple[Pattern, ...] = ()

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Self:
        """
        From what the server tells at start: {"resolver": [[host, port], …], "private": [network,
        …], "denied": [pattern, …], "ca_file": path}.

        Raises:
            OSError, ValueError: it cannot be done.
        """
        servers = tuple((str(host), int(port)) for host, port in told["resolver"])
        resolver = NameServers(servers) if servers else SystemResolver()
        private = tuple(ip_network(text) for text in told["private"])
        return cls(
            Dialler(resolver, private),
            ssl.create_default_context(cafile=told["ca_file"] or None),
            tuple(Pattern.parse(text) for text in told["denied"]),
        )
