"""
A tool that speaks for itself on the channel that is ours.
"""

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
