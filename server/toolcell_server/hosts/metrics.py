"""
The metrics of hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from toolcell_server.hosts.hosts import Hosts


def watch(registry: CollectorRegistry, hosts: Hosts) -> None:
    """
    Ask them whenever Prometheus asks.
    """
    connected = Gauge("toolcell_hosts", "Clients that host tools now.", registry=registry)
    connected.set_function(lambda: hosts.connected)
    running = Gauge("toolcell_hosted_calls", "Calls that hosts have not ended.", registry=registry)
    running.set_function(lambda: hosts.running)
