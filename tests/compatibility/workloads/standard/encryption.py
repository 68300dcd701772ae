"""
TLS without a network: contexts, certificates, and a handshake in memory.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from typing import Any

from toolcell_worker import tool


def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """
    Two sides that need no certificate: what is measured is TLS, not trust.
    """
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    for context in (server, client):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
    return server, client


@tool(effects="read_only")
def certificates() -> Any:
    """
    The host's trusted certificates, loaded as every client does.
    """
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        context.load_verify_locations(paths.cafile)
    loaded = sorted(c["serialNumber"] for c in context.get_ca_certs())
    ciphers = sorted(c["name"] for c in context.get_ciphers())
    return [context.verify_mode.name, len(loaded), loaded[:3], ciphers, len(secrets.token_bytes())]


@tool(effects="read_only")
def handshake_in_memory() -> Any:
    """
    Both sides of a TLS connection over memory buffers.
    """
    server_context, client_context = _contexts()
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server)
    waiting = {server, client}
    for _ in range(10):
        for side in waiting.copy():
            try:
                side.do_handshake()
                waiting.discard(side)
            except ssl.SSLWantReadError:
                pass
    client.write(b"hello")
    return [len(waiting), server.read(100).decode(), client.version(), client.cipher()]


@tool(effects="read_only")
def handshake_over_a_socket_pair() -> Any:
    """
    The same over descriptors, with a thread for the server.
    """
    server_context, client_context = _contexts()
    near, far = socket.socketpair()
    heard: list[bytes] = []

    def serve() -> None:
        with server_context.wrap_socket(far, server_side=True) as wrapped:
            heard.append(wrapped.recv(100))
            wrapped.sendall(b"goodbye")

    thread = threading.Thread(target=serve)
    thread.start()
    with client_context.wrap_socket(near) as wrapped:
        wrapped.sendall(b"hello")
        answer = wrapped.recv(100)
    thread.join()
    return [heard[0].decode(), answer.decode()]
