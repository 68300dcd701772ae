"""
The one door into this room from outside: frames, and what a cell is told.
"""

from toolcell_worker.wire.frames import (
    GROUP_ACCOUNT,
    HEADER,
    MAXIMUM_DESCRIPTORS,
    MAXIMUM_FRAME_BYTES,
    NUMBER,
    REAPING,
    Frame,
    Message,
    PeerClosed,
    ProtocolError,
    receive,
    send,
    send_json,
)
from toolcell_worker.wire.grant import Access, CellGrant, Mount, Profile

__all__ = [
    "GROUP_ACCOUNT",
    "HEADER",
    "MAXIMUM_DESCRIPTORS",
    "MAXIMUM_FRAME_BYTES",
    "NUMBER",
    "REAPING",
    "Access",
    "CellGrant",
    "Frame",
    "Message",
    "Mount",
    "PeerClosed",
    "Profile",
    "ProtocolError",
    "receive",
    "send",
    "send_json",
]
