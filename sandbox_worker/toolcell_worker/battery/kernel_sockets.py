"""
Attacks on the kernel: sockets, by whose families and protocols much of it can be reached.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from toolcell_worker.battery.knocking import Knocking

# linux/socket.h; Python does not name them on every build.
ALG, NETLINK, PACKET, VSOCK = 38, 16, 17, 40
ODD_FAMILIES = {
    "ax25": 3,
    "ipx": 4,
    "appletalk": 5,
    "x25": 9,
    "key": 15,
    "rds": 21,
    "pppox": 24,
    "llc": 26,
    "infiniband": 27,
    "can": 29,
    "tipc": 30,
    "bluetooth": 31,
    "iucv": 32,
    "rxrpc": 33,
    "phonet": 35,
    "ieee802154": 36,
    "nfc": 39,
    "kcm": 41,
    "qipcrtr": 42,
    "smc": 43,
    "xdp": 44,
    "mctp": 45,
}
MPTCP, SCTP, UDP_LITE, ICMP = 262, 132, 136, 1
# RTM_GETLINK with NLM_F_REQUEST | NLM_F_DUMP (linux/rtnetlink.h, linux/netlink.h)
LIST_LINKS = struct.pack("=IHHIIBxHiII", 32, 18, 0x301, 1, 0, 0, 0, 0, 0, 0)
HOST = 2  # VMADDR_CID_HOST
UNSHARE_NETWORK = 0x1000_0000 | 0x4000_0000  # CLONE_NEWUSER, CLONE_NEWNET


def compute_by_the_kernels_ciphers(_plan: dict[str, Any]) -> Any:
    """
    AF_ALG hands user data to the kernel's ciphers, where copying has gone wrong before.
    """
    knocking = Knocking()
    found = knocking.attempt("socket alg", lambda: socket.socket(ALG, socket.SOCK_SEQPACKET))
    if found is not None:
        with found:
            knocking.attempt("bind alg", lambda: found.bind(("hash", "sha256")))
    return knocking.answers


def talk_to_the_hypervisor(_plan: dict[str, Any]) -> Any:
    """
    AF_VSOCK leads out of a virtual machine, past every network namespace.
    """
    knocking = Knocking()
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        found = knocking.attempt(f"socket vsock {kind}", lambda kind=kind: _socket(VSOCK, kind))
        if found is not None:
            found.close()
    return knocking.answers


def ask_for_interfaces_by_netlink(_plan: dict[str, Any]) -> Any:
    """
    AF_NETLINK configures networks, filters and audit, and tells what there is.
    """
    knocking = Knocking()
    for protocol in (0, 4, 9, 12, 15):  # route, sock_diag, audit, netfilter, kobject_uevent
        what = f"socket netlink {protocol}"
        found = knocking.attempt(what, lambda p=protocol: _socket(NETLINK, socket.SOCK_RAW, p))
        if found is None:
            continue
        with found:
            if protocol == 0:
                knocking.attempt("netlink send", lambda s=found: s.sendto(LIST_LINKS, (0, 0)))
    return knocking.answers


def see_packets(_plan: dict[str, Any]) -> Any:
    """
    AF_PACKET sees what an interface carries; in a network namespace of its own anybody may.
    """
    knocking = Knocking()
    knocking.call("unshare", UNSHARE_NETWORK)
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        found = knocking.attempt(f"socket packet {kind}", lambda kind=kind: _socket(PACKET, kind))
        if found is not None:
            found.close()
    return knocking.answers


def send_raw_packets(_plan: dict[str, Any]) -> Any:
    """
    Raw and ICMP sockets forge headers.
    """
    knocking = Knocking()
    knocking.call("unshare", UNSHARE_NETWORK)
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind, protocol in ((socket.SOCK_RAW, 255), (socket.SOCK_RAW, ICMP)):
            what = f"socket raw {family} {protocol}"
            trial = (family, kind, protocol)
            found = knocking.attempt(what, lambda trial=trial: _socket(*trial))
            if found is not None:
                found.close()
    return knocking.answers


def try_every_odd_family(_plan: dict[str, Any]) -> Any:
    """
    Families that nobody here needs; to ask for one loads its module.
    """
    knocking = Knocking()
    for name, family in ODD_FAMILIES.items():
        for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
            what = f"socket {name} {kind}"
            found = knocking.attempt(what, lambda f=family, k=kind: _socket(f, k))
            if found is not None:
                found.close()
    return knocking.answers


def try_odd_transports(_plan: dict[str, Any]) -> Any:
    """
    Transports beside TCP and UDP are as much code again.
    """
    knocking = Knocking()
    for family in (socket.AF_INET, socket.AF_INET6):
        for protocol in (MPTCP, SCTP):
            _try_transport(knocking, family, socket.SOCK_STREAM, protocol)
        for protocol in (UDP_LITE, ICMP):
            _try_transport(knocking, family, socket.SOCK_DGRAM, protocol)
    return knocking.answers


def make_a_datagram_pair(_plan: dict[str, Any]) -> Any:
    """
    One end of a datagram pair can be sent from to any path or abstract name.
    """
    knocking = Knocking()
    kind = socket.SOCK_DGRAM
    pair = knocking.attempt("socketpair datagram", lambda: socket.socketpair(socket.AF_UNIX, kind))
    for end in pair or ():
        end.close()
    found = knocking.attempt("socket unix", lambda: _socket(socket.AF_UNIX, kind))
    if found is not None:
        found.close()
    return knocking.answers


def _try_transport(knocking: Knocking, family: int, kind: int, protocol: int) -> None:
    what = f"socket {family} {kind} {protocol}"
    found = knocking.attempt(what, lambda: _socket(family, kind, protocol))
    if found is not None:
        found.close()


def _socket(family: int, kind: int, protocol: int = 0) -> socket.socket:
    return socket.socket(family, kind, protocol)
