"""
The one door into this room from outside: frames, and what a cell is told.
"""

from toolcell_worker.wire.call import Call
from toolcell_worker.wire.frames import (
    GROUP_ACCOUNT,
    HEADER,
    MAXIMUM_DESCRIPTORS,
    MAXIMUM_FRAME_BYTES,
    NUMBER,
    REAPING,
    SPAWNING,
    Frame,
    Message,
    PeerClosed,
    ProtocolError,
    read,
    receive,
    receive_small,
    send,
    send_json,
    write,
)
from toolcell_worker.wire.grant import Access, CellGrant, Mount, Profile
from toolcell_worker.wire.workspace import WORKSPACE

__all__ = [
    "GROUP_ACCOUNT",
    "HEADER",
    "MAXIMUM_DESCRIPTORS",
    "MAXIMUM_FRAME_BYTES",
    "NUMBER",
    "REAPING",
    "SPAWNING",
    "WORKSPACE",
    "Access",
    "Call",
    "CellGrant",
    "Frame",
    "Message",
    "Mount",
    "PeerClosed",
    "Profile",
    "ProtocolError",
    "read",
    "receive",
    "receive_small",
    "send",
    "send_json",
    "write",
]
