"""
`python -m toolcell_server.egress DESCRIPTOR`: the egress process (`serving.py`).

It is told what to do by one START frame over the socket that the descriptor is.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from toolcell_worker import wire
from toolcell_worker.wire import PeerClosed

from toolcell_server.channel import Channel
from toolcell_server.egress.enclosing import enclose
from toolcell_server.egress.outside import Outside
from toolcell_server.egress.resolving import THREADS
from toolcell_server.egress.serving import Serving

# What libraries import only when they need it, and we then could not: started by root, the
# interpreter may lie where only root may read.
LATE: Final = (
    *("encodings.idna", "encodings.punycode", "idna.uts46data"),
    *("dns.asyncbackend", "dns._asyncio_backend"),
    *(f"dns.rdtypes.IN.{kind}" for kind in ("A", "AAAA")),
    *(f"dns.rdtypes.ANY.{kind}" for kind in ("CNAME", "DNAME", "NS", "OPT", "SOA")),
)


def main(arguments: list[str]) -> int:
    """
    Serve; the exit code.
    """
    channel = socket.socket(fileno=int(arguments[0]))
    try:
        told = wire.receive(channel).json()
    except PeerClosed:
        return 0
    outside = Outside.parse(told)
    for name in LATE:
        importlib.import_module(name)
    enclose(told["identity"])
    os.chdir("/")
    asyncio.run(_serve(channel, outside))
    return 0


async def _serve(channel: socket.socket, outside: Outside) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    wire.send_json(channel, wire.Frame.READY, {})
    await Serving(Channel(channel), outside).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
