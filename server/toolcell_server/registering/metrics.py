"""
The metrics of tools that are registered at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

WHAT: Final = ("registered", "unregistered", "replaced", "deprecated", "reactivated")


class RegisteringMetrics:
    """
    What was done to registered tools, and who watches.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.changes = Counter(
            "toolcell_tool_changes_total",
            "Versions of tools that were registered, unregistered and so on at run time, by what.",
            ("change",),
            registry=registry,
        )
        self.refused = Counter(
            "toolcell_tool_definitions_refused_total",
            "Definitions that could not be registered.",
            registry=registry,
        )
        self.watchers = Gauge(
            "toolcell_tool_watchers", "Streams of WatchTools that are open.", registry=registry
        )
        for what in WHAT:
            self.changes.labels(what)

    def changed(self, what: str) -> None:
        self.changes.labels(what).inc()

    def refuse(self, count: int) -> None:
        self.refused.inc(count)

    def watch(self, watchers: Callable[[], float]) -> None:
        """
        Ask for these whenever Prometheus asks.
        """
        self.watchers.set_function(watchers)
