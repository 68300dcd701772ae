"""
The HTTP listener that Prometheus scrapes.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import prometheus_client

from toolcell_server.addresses import Address, AddressTaken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry


@contextlib.contextmanager
def listening(address: Address, registry: CollectorRegistry) -> Iterator[Address]:
    """
    Serve the metrics at `address` from a thread of its own; yields the address with its real port.

    Raises:
        AddressTaken: it cannot be had.
    """
    try:
        server, thread = prometheus_client.start_http_server(
            address.port, addr=address.host, registry=registry
        )
    except OSError as exc:
        raise AddressTaken(address, "server.metrics_listen", exc.errno or 0) from exc
    try:
        yield Address(address.host, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
