"""
A tool that speaks for itself on the channel that is ours.
"""

import array
import os
import socket
from typing import Any

from toolcell_worker import tool

MEBIBYTE = 2**20
LONG = 600


def _begin() -> None:
    os.write(1, b"begun")


@tool(effects="read_only")
def forge(frames: list[str], descriptors: int = 0) -> Any:
    """
    Send bytes of its own over the channel to the server, in place of a result.

    Args:
        frames: The bytes, in hexadecimal; each is sent at once.
        descriptors: How many descriptors to send beside each.
    """
    _begin()
    null = os.open("/dev/null", os.O_RDONLY)
    channel = socket.socket(fileno=3)
    for frame in frames:
        socket.send_fds(channel, [bytes.fromhex(frame)], [null] * descriptors)
    channel.detach()
    os._exit(0)


@tool(effects="read_only")
def send_own_end(descriptor: int, first: str, beside: str) -> Any:
    """
    Send an end of its own to the server, which reads the other end, and leave.

    Args:
        descriptor: Of the channel or of an output.
        first: What to send before it, in hexadecimal.
        beside: What to send it beside.
    """
    rights = array.array("i", [descriptor])
    channel = socket.socket(fileno=3)
    channel.sendall(bytes.fromhex(first))
    channel.sendmsg([bytes.fromhex(beside)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    os._exit(0)
