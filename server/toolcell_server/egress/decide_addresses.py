"""
Which of a name's addresses may be dialled.  Pure.

An answer is taken whole or not at all: of a mixed one the resolver, the relay and the tool could
each mean another part.  The operator may name networks that are not public.  A metadata address
and an address of this host must be named by itself (/32, /128), because a wide network holds them
without anybody thinking of them; loopback, all of which is this host, by a network that holds
nothing else.  What stands for an IPv4 address must be named, and that address be permitted too.

A name that nobody granted (`report_only`) leads to nothing that must be named by itself: that was
named for a name that is granted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.egress.addresses import AddressKind, classify, embedded
from toolcell_server.egress.verdicts import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from toolcell_server.egress.addresses import Address, Network

# None of these is a host of its own: the first is this one, the others are many.
_NEVER: Final = (
    Reason.ADDRESS_UNSPECIFIED,
    Reason.ADDRESS_MULTICAST,
    Reason.ADDRESS_BROADCAST,
)
_BY_ITSELF: Final = (Reason.ADDRESS_METADATA, Reason.ADDRESS_OWN)


def decide_addresses(
    addresses: Sequence[Address],
    private: Sequence[Network],
    own: Collection[Address],
    *,
    granted: bool = True,
) -> Verdict:
    """
    The verdict on all addresses of one name, with those that may be dialled.  `private` are the
    networks that the operator names, `own` the addresses of this host; `granted`: so is the name.
    """
    if not addresses:
        return Verdict.denied(Reason.NO_ADDRESS)
    ours = frozenset(int(address) for address in own)  # without zones, which are not compared
    faults = [_fault(address, ours) for address in addresses]
    once = tuple(dict.fromkeys(addresses))
    if not granted:
        private = [network for network in private if not _by_itself(network, ours)]
    if not any(faults):
        return Verdict(True, Reason.ADDRESSES_PUBLIC, addresses=once)
    if None in faults:
        return Verdict.denied(Reason.MIXED_ADDRESSES)
    for address in once:
        if reason := _unnamed(address, private, ours):
            return Verdict.denied(reason)
    return Verdict(True, Reason.ADDRESSES_NAMED, addresses=once)


def _fault(address: Address, ours: frozenset[int]) -> Reason | None:
    """
    Why an address may not be dialled without the operator's word; None if it may.
    """
    kind = classify(address)
    if int(address) in ours and kind is not AddressKind.LOOPBACK:
        return Reason.ADDRESS_OWN
    return None if kind is AddressKind.PUBLIC else Reason(f"address_{kind}")


def _unnamed(address: Address, private: Sequence[Network], ours: frozenset[int]) -> Reason | None:
    """
    Why an address may not be dialled in spite of the operator's word; None if it may.
    """
    reason = _fault(address, ours)
    if reason is None or not any(_names(network, address, reason) for network in private):
        return reason
    if reason is Reason.ADDRESS_TRANSLATED:
        behind = embedded(address)
        if behind is None or _unnamed(behind, private, ours):
            return reason
    return None


def _by_itself(network: Network, ours: frozenset[int]) -> bool:
    """
    Whether it is one address, of those that must be named so.
    """
    alone = network.prefixlen == network.max_prefixlen
    return alone and _fault(network.network_address, ours) in _BY_ITSELF


def _names(network: Network, address: Address, reason: Reason) -> bool:
    if address not in network or reason in _NEVER:
        return False
    if reason in _BY_ITSELF:
        return network.prefixlen == network.max_prefixlen
    return network.is_loopback or reason is not Reason.ADDRESS_LOOPBACK
