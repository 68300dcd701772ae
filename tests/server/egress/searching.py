"""
`python searching.py RESOLV_CONF NAME`, as root of namespaces of its own: what a host with that
resolv.conf(5) asks its name server for when a name is resolved that does not exist.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import socket
import socketserver
import struct
import subprocess
import sys
import threading

from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.name_server import Names
from toolcell_server.egress.resolving import SystemResolver

SET_FLAGS, UP = 0x8914, 1  # SIOCSIFFLAGS and IFF_UP, netdevice(7)


def main(configuration: str, name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh22x", b"lo", UP))
    subprocess.run(["mount", "--bind", configuration, "/etc/resolv.conf"], check=True)
    names = Names()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, answering = self.request
            answering.sendto(names.answer(data), self.client_address)

    with socketserver.ThreadingUDPServer((LOOPBACK, 53), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert asyncio.run(SystemResolver().resolve(name)) == ()
        print(json.dumps(sorted(set(names.asked))))
        server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
