"""
The network wall of a cell that was granted domains: a network of its own, which leads nowhere.

Theory of operation.  The namespace holds `lo` and nothing else (network_namespaces(7)).  The whole
of 198.18.0.0/15 (RFC 2544: for tests, routed nowhere) is made local there, so that a connection to
any address of it arrives at a socket that listens on 0.0.0.0 in the same namespace.  Those sockets
are opened here, while we may, and given away: whoever holds them answers names and accepts
connections from outside of the cell, and sees by getsockname(2) which address was called.  A cell
that nobody answers for reaches nobody.

Cells without domains share one empty namespace with their zygote, and have no sockets.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = 53  # the port of name servers
LOOPBACK = "127.0.0.1"
STAND_INS = ("198.18.0.0", 15)  # addresses that stand for names
WAITING = 128  # connections that nobody has accepted yet; arbitrary
MAXIMUM_PORTS = 32  # arbitrary; descriptors of one frame

# linux/if.h, linux/sockios.h
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_REQUEST = struct.Struct("16sh22x")  # struct ifreq: name, flags
# linux/netlink.h, linux/rtnetlink.h
_NETLINK_ROUTE, _NLMSG_ERROR = 0, 2
_RTM_NEWROUTE = 24
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_CREATE = 0x1, 0x4, 0x400
_RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL = 255, 4, 254, 2
_RTA_DST, _RTA_OIF = 1, 4
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_ROUTE = struct.Struct("=BBBBBBBBI")  # struct rtmsg
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr


def bring_up() -> None:
    """
    Make the stand-ins local addresses of the network namespace that we have just entered.

    Raises:
        OSError: the kernel refuses.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = _REQUEST.pack(b"lo", 0)
        name, flags = _REQUEST.unpack(fcntl.ioctl(any_socket, _SIOCGIFFLAGS, asked))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _REQUEST.pack(name, flags | _IFF_UP))
    _add_local_route(*STAND_INS)


def listeners(ports: Sequence[int]) -> tuple[socket.socket, ...]:
    """
    What is listened on: names over UDP, names over TCP, then each port.

    Raises:
        OSError: a port is given twice, or the kernel refuses.
    """
    with contextlib.ExitStack() as opened:
        found = [opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))]
        found[0].bind((LOOPBACK, NAMES))
        places = [(LOOPBACK, NAMES), *(("0.0.0.0", port) for port in ports)]  # noqa: S104  # of this namespace
        for place in places:
            listener = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.bind(place)
            listener.listen(WAITING)
            found.append(listener)
        opened.pop_all()
    return tuple(found)


def _add_local_route(network: str, length: int) -> None:
    """
    As `ip route add local 198.18.0.0/15 dev lo` (rtnetlink(7)).
    """
    loopback = struct.pack("=I", socket.if_nametoindex("lo"))
    attributes = _attribute(_RTA_DST, socket.inet_aton(network)) + _attribute(_RTA_OIF, loopback)
    kind = (_RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL)
    route = _ROUTE.pack(socket.AF_INET, length, 0, 0, *kind, 0)
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE
    size = _HEADER.size + len(route) + len(attributes)
    message = _HEADER.pack(size, _RTM_NEWROUTE, flags, 1, 0) + route + attributes
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as routes:
        routes.send(message)
        answer = routes.recv(4096)
    _, answered, *_ = _HEADER.unpack_from(answer)
    (error,) = struct.unpack_from("=i", answer, _HEADER.size)
    if answered != _NLMSG_ERROR or error:
        raise OSError(-error, "the route to the stand-ins could not be added")


def _attribute(kind: int, value: bytes) -> bytes:
    """
    Four bytes and a value whose length is a multiple of four already.
    """
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value
