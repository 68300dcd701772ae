"""
Frames between the server, the zygotes, the keeper and the cells.

Theory of operation.  Every channel is a SOCK_STREAM pair (SOCK_SEQPACKET fails above about
200 kB).  A frame is a fixed header, then raw bytes; descriptors travel beside the header by
SCM_RIGHTS.  Nothing is ever pickled.  Four channels exist:

* control: server <-> zygote.  SPAWN asks for a cell; CATALOGUE, SPAWNED, NOT_SPAWNED and REAPED
  come back.
* keeper: server <-> keeper.  OPEN and COMMIT; ANSWER comes back, in order.
* egress: server <-> egress.  ATTACH hands a cell's listeners over, TOLD says what becomes of its
  connections, DETACH ends them all and is answered by DETACHED.
* cell: server <-> the tool's process.  GRANT comes first, and past the zygote, whose memory every
  later cell inherits, unless nothing in it is one call's own; CALL is read once every wall is up;
  SETUP_FAILED, STAGING and READY are our code's own.  READY is the last frame before the tool's
  code runs, so whatever follows it is the word of the tool: never trusted, always bounded.

JSON in a frame is written by our own code on one side, but on the cell channel the tool may forge
any of it: whoever reads it checks shape and size.
"""

from __future__ import annotations

import array
import enum
import json
import os
import socket
import struct
from dataclasses import dataclass
from typing import Any

HEADER = struct.Struct("!BI")
MAXIMUM_FRAME_BYTES = 32 * 2**20  # above the largest arguments and the largest result
_READ_BYTES = 64 * 1024  # arbitrary; nearly every call is smaller
MAXIMUM_DESCRIPTORS = 64  # arbitrary; the kernel allows 253 in one message (SCM_MAX_FD)


class Frame(enum.IntEnum):
    """
    Kinds of frame.  The payload of each stands beside it.
    """

    # control
    CATALOGUE = 1  # JSON: {"tools": [manifest, …], "broken": [{"name", "file", "reason"}, …]}
    # SPAWNING, then CellGrant.pack(), or nothing and GRANT follows; descriptors: cell, stdout,
    # stderr, then one a mount
    SPAWN = 2
    # NUMBER, name of its group; descriptors: pidfds of what to kill and of its tool's process, if
    # that is another
    SPAWNED = 3
    NOT_SPAWNED = 4  # JSON: {"number", "wall", "errno", "detail"}
    REAPED = 5  # REAPING, then GROUP_ACCOUNT if the cell had a control group
    FAILED = 6  # JSON: {"wall", "errno", "detail"}: the zygote or the keeper could not start
    START = 7  # JSON: see toolcell_worker.start; descriptor: directory of cells' control groups
    # keeper
    OPEN = 10  # JSON: {"paths": [{"path", "root", "access"}, …], "slot": int}
    COMMIT = 11  # JSON: {"path", "root", "expected"}; descriptor: the staged file
    ANSWER = 12  # JSON; descriptors: one a path, as the answer says
    # cell
    GRANT = 19  # CellGrant.pack()
    CALL = 20  # Call.pack()
    READY = 21  # nothing
    LOG = 22  # JSON: {"level", "message", "fields"}
    PROGRESS = 23  # JSON: {"fraction", "message"}
    PARTIAL = 24  # one JSON value
    DENIED = 25  # JSON: {"wall", "operation", "target", "reason"}
    RESULT = 26  # one JSON value
    RAISED = 27  # JSON: see toolcell_worker.run
    SETUP_FAILED = 30  # JSON: {"wall", "errno", "detail"}; before READY
    STAGING = 31  # JSON: {"folders": [path, …]}; descriptors: one a folder; before READY
    LISTENER = 32  # nothing; descriptor: of the cell's seccomp filter; before READY
    BUILT = 34  # nothing: a whole cell waits for its call; before READY
    NETWORK = 33  # nothing; descriptors: walls.network.listeners; before READY
    # egress
    # JSON: see toolcell_server.egress.serving; descriptors: those of NETWORK, or one of a proxy
    ATTACH = 40
    DETACH = 41  # NUMBER
    DETACHED = 42  # JSON: {"number", "contacts": [{"host", "port", "connections", …}, …]}
    TOLD = 43  # JSON: {"number", "denied" | "connection" | "spent"}


NUMBER = struct.Struct("!Q")
SPAWNING = struct.Struct("!QI")  # number of the cell, its slot
# number of the cell, wait status of the tool's process; and of all processes together: user and
# system seconds, bytes of the largest
REAPING = struct.Struct("!QiddQ")
# of a control group: processes killed for its memory limit, microseconds of user and system time,
# most bytes of memory at a time (0 where the kernel does not say)
GROUP_ACCOUNT = struct.Struct("!QQQQ")


class ProtocolError(Exception):
    """
    Raised when a peer sends what is not a frame, or one that is too large.
    """


class PeerClosed(Exception):  # noqa: N818  # names what happened
    """
    Raised when the peer has closed its end.
    """


@dataclass(frozen=True, slots=True)
class Message:
    """
    One frame, received.  Whoever takes the descriptors closes them.
    """

    kind: int
    payload: bytes
    descriptors: tuple[int, ...] = ()

    def json(self) -> Any:
        """
        The payload as JSON.

        Raises:
            ProtocolError: it is not JSON.
        """
        try:
            return json.loads(self.payload)
        except (ValueError, RecursionError) as exc:
            raise ProtocolError(f"frame {self.kind} is not JSON") from exc


def send(
    channel: socket.socket, kind: int, payload: bytes = b"", descriptors: tuple[int, ...] = ()
) -> None:
    """
    Send one frame on a blocking socket, descriptors beside its header.
    """
    ancillary = []
    if descriptors:
        rights = array.array("i", descriptors)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
    header = HEADER.pack(kind, len(payload))
    sent = channel.sendmsg([header, payload], ancillary)
    if sent < len(header):
        channel.sendall(header[sent:] + payload)
    elif sent < len(header) + len(payload):
        channel.sendall(memoryview(payload)[sent - len(header) :])


def send_json(
    channel: socket.socket, kind: int, value: Any, descriptors: tuple[int, ...] = ()
) -> None:
    """
    Send one frame whose payload is a JSON value.
    """
    send(channel, kind, json.dumps(value, separators=(",", ":")).encode(), descriptors)


def receive(channel: socket.socket, maximum: int = MAXIMUM_FRAME_BYTES) -> Message:
    """
    Receive one frame from a blocking socket.

    Raises:
        PeerClosed: the peer closed its end between two frames.
        ProtocolError: the frame is malformed, cut off or longer than `maximum` bytes.
    """
    head, descriptors = _receive_header(channel)
    kind, length = HEADER.unpack(head)
    if length > maximum:
        raise ProtocolError(f"frame {kind} announces {length} bytes; at most {maximum} are read")
    return Message(kind, _receive_exactly(channel, length), descriptors)


def receive_small(channel: socket.socket) -> Message:
    """
    As `receive`, with one system call if the frame is small.  The kernel does not merge the bytes
    of one message that has descriptors with those of the next (unix(7)).
    """
    space = socket.CMSG_SPACE(MAXIMUM_DESCRIPTORS * 4)
    data, ancillary, _, _ = channel.recvmsg(_READ_BYTES, space, socket.MSG_CMSG_CLOEXEC)
    if not data:
        raise PeerClosed
    missing = HEADER.size + int.from_bytes(data[1:5]) - len(data)
    if missing > 0:
        data += _receive_exactly(channel, missing)
    descriptors = array.array("i")
    for _, _, rights in ancillary:
        descriptors.frombytes(rights)
    return Message(data[0], data[HEADER.size :], tuple(descriptors))


def read(descriptor: int, kind: int, maximum: int, begun: bytes = b"") -> bytes:
    """
    The payload of one frame of that kind, without descriptors, of which `begun` was read already.
    Little is done here, and once: each function that a forked process runs costs it the pages in
    which that lies.

    Raises:
        PeerClosed: the peer closed its end.
        ProtocolError: what came is another frame, or longer than `maximum` bytes.
    """
    data = begun + os.read(descriptor, _READ_BYTES)
    while len(data) < HEADER.size or len(data) < HEADER.size + int.from_bytes(data[1:5]):
        if len(data) >= HEADER.size and int.from_bytes(data[1:5]) > maximum:
            raise ProtocolError(f"frame {data[0]} is longer than {maximum} bytes")
        more = os.read(descriptor, max(_READ_BYTES, len(data)))
        if not more:
            raise PeerClosed
        data += more
    if data[0] != kind or len(data) != HEADER.size + int.from_bytes(data[1:5]):
        raise ProtocolError(f"frame {data[0]} came where {kind} was expected")
    return data[HEADER.size :]


def write(descriptor: int, kind: int, payload: bytes) -> None:
    """
    Write one frame, without descriptors, to a blocking socket.
    """
    data = HEADER.pack(kind, len(payload)) + payload
    while data:
        data = data[os.write(descriptor, data) :]


def _receive_header(channel: socket.socket) -> tuple[bytes, tuple[int, ...]]:
    space = socket.CMSG_SPACE(MAXIMUM_DESCRIPTORS * 4)
    head, ancillary, flags, _ = channel.recvmsg(HEADER.size, space, socket.MSG_CMSG_CLOEXEC)
    if not head:
        raise PeerClosed
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    if flags & socket.MSG_CTRUNC:
        raise ProtocolError("more descriptors came than are taken")
    if len(head) < HEADER.size:
        head += _receive_exactly(channel, HEADER.size - len(head))
    return head, tuple(descriptors)


def _receive_exactly(channel: socket.socket, length: int) -> bytes:
    if length == 0:
        return b""
    buffer = bytearray(length)
    view = memoryview(buffer)
    filled = 0
    while filled < length:
        count = channel.recv_into(view[filled:])
        if count == 0:
            raise ProtocolError(f"a frame was cut off after {filled} of {length} bytes")
        filled += count
    return bytes(buffer)
