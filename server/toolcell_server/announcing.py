"""
What the log says of a server that serves, and of tools that do not.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2

from toolcell_server import isolation_check

if TYPE_CHECKING:
    from toolcell_server.addresses import Address
    from toolcell_server.made import Made
    from toolcell_server.registry import Registry

_log = logging.getLogger(__name__)


def log_broken(registry: Registry, bundle: str) -> None:
    """
    The tools of a bundle that cannot be called, and why.
    """
    for tool in registry.offers.of_bundle(bundle):
        if tool.broken_reason:
            fields = {"bundle": bundle, "tool": tool.name, "reason": tool.broken_reason}
            _log.warning("broken tool", extra={"fields": fields})


def log_serving(app: Made, address: Address) -> None:
    """
    Where, what, and how well enclosed.
    """
    fields: dict[str, Any] = {
        "address": str(address),
        "tools": app.registry.count(registry_pb2.TOOL_STATE_AVAILABLE),
        "broken": app.registry.count(registry_pb2.TOOL_STATE_BROKEN),
    }
    for bundle in app.bundles:
        level = isolation_check.level_name(app.pool.isolation(bundle.name))
        fields[f"isolation_{bundle.name}"] = level
    _log.info("serving", extra={"fields": fields})
