"""
What a decision about egress says, and the closed set of reasons that it gives.  Pure.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from toolcell_server.egress.addresses import Address
    from toolcell_server.egress.rules import Rule


class Reason(enum.StrEnum):
    """
    Stable words: labels of metrics and of the canonical line.  A new decision brings its word here.
    """

    # Allowed.
    HOST_GRANTED = "host_granted"
    HELLO_GRANTED = "hello_granted"
    HOST_MATCHES = "host_matches"
    REQUEST_GRANTED = "request_granted"
    ADDRESSES_PUBLIC = "addresses_public"
    ADDRESSES_NAMED = "addresses_named"
    # Denied: the name.
    NOT_A_NAME = "not_a_name"
    HOST_DENIED = "host_denied"
    HOST_NOT_GRANTED = "host_not_granted"
    PORT_NOT_GRANTED = "port_not_granted"
    # Denied: the connection.
    ADDRESS_UNNAMED = "address_unnamed"
    NOT_TLS = "not_tls"
    MALFORMED = "malformed"
    TOO_SLOW = "too_slow"
    BUDGET_SPENT = "budget_spent"
    UNAUTHORISED = "unauthorised"  # at a proxy: another token than the cell's, or none
    # Denied: what the connection says of itself.
    ENCRYPTED_HELLO = "encrypted_hello"
    SNI_MISSING = "sni_missing"
    SNI_MISMATCH = "sni_mismatch"
    HOST_MISSING = "host_missing"
    HOST_MISMATCH = "host_mismatch"
    METHOD_NOT_GRANTED = "method_not_granted"
    PATH_NOT_GRANTED = "path_not_granted"
    CREDENTIAL_NOT_GRANTED = "credential_not_granted"
    # Denied: where the name leads.
    NO_ADDRESS = "no_address"
    MIXED_ADDRESSES = "mixed_addresses"
    ADDRESS_OWN = "address_own"
    ADDRESS_UNSPECIFIED = "address_unspecified"
    ADDRESS_LOOPBACK = "address_loopback"
    ADDRESS_PRIVATE = "address_private"
    ADDRESS_CARRIER_NAT = "address_carrier_nat"
    ADDRESS_LINK_LOCAL = "address_link_local"
    ADDRESS_METADATA = "address_metadata"
    ADDRESS_MULTICAST = "address_multicast"
    ADDRESS_BROADCAST = "address_broadcast"
    ADDRESS_RESERVED = "address_reserved"
    ADDRESS_SITE_LOCAL = "address_site_local"
    ADDRESS_UNIQUE_LOCAL = "address_unique_local"
    ADDRESS_TRANSLATED = "address_translated"
    # Not denied, and nothing came of it.
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    NOT_TRUSTED = "not_trusted"


NOTHING_CAME: Final = (Reason.UNRESOLVED, Reason.UNREACHABLE, Reason.NOT_TRUSTED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    A decision with its reason.  `rule` is the one that granted; `addresses` are those that may be
    dialled, in the resolver's order, each once.  `reported`: it is allowed although its reason is
    one to deny, because policy only reports (`report_only`).
    """

    allowed: bool
    reason: Reason
    rule: Rule | None = None
    addresses: tuple[Address, ...] = ()
    reported: bool = False

    @classmethod
    def denied(cls, reason: Reason) -> Self:
        """
        One that denies.
        """
        return cls(False, reason)

    @classmethod
    def let_through(cls, reason: Reason, rule: Rule | None) -> Self:
        """
        One that allows what would have been denied for this reason.  `rule` is what it goes on
        under; None for a question to a name server.
        """
        return cls(True, reason, rule, reported=True)


class Denied(Exception):  # noqa: N818  # names what happened
    """
    Raised when a connection is denied; `reason` says why.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
