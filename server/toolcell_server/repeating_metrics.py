"""
The metrics of what is not simply run once: answers from the cache, retries, fallbacks, circuits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry


class CacheMetrics:
    """
    What was found in the cache, and what it holds.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        lookups = Counter(
            "toolcell_cache_lookups_total",
            "Executions that might have been answered from the cache, by what was found there.",
            ("result",),
            registry=registry,
        )
        dropped = Counter(
            "toolcell_cache_dropped_total",
            "Entries that the cache no longer holds, by why.",
            ("cause",),
            registry=registry,
        )
        self.entries = Gauge("toolcell_cache_entries", "Results in the cache.", registry=registry)
        self.bytes = Gauge("toolcell_cache_bytes", "Their size, about.", registry=registry)
        self.looked_up = {word: lookups.labels(word) for word in ("hit", "miss", "stale")}
        causes = ("room", "expired", "stale", "replaced")
        self._dropped = {cause: dropped.labels(cause) for cause in causes}

    def dropped(self, cause: str) -> None:
        self._dropped[cause].inc()

    def watch(self, entries: Callable[[], float], size: Callable[[], float]) -> None:
        """
        Ask these whenever Prometheus asks.
        """
        self.entries.set_function(entries)
        self.bytes.set_function(size)


class RepeatingMetrics:
    """
    What was run again, or in place of another, and what is left alone.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        retries = Counter(
            "toolcell_retries_total",
            "Attempts that were followed by another, by why; or not, for want of budget or time.",
            ("cause",),
            registry=registry,
        )
        fallbacks = Counter(
            "toolcell_fallbacks_total",
            "Fallbacks that ran, by what became of the tool that was called.",
            ("cause",),
            registry=registry,
        )
        self.circuits_open = Gauge(
            "toolcell_breaker_open",
            "Circuits of a tool that are open: for everybody, or for so many of its callers.",
            ("tool", "scope"),
            registry=registry,
        )
        causes = ("lost", "temporary", "no_budget", "no_time")
        self._retries = {cause: retries.labels(cause) for cause in causes}
        reasons = ("refused", "lost", "temporary")
        self._fallbacks = {reason: fallbacks.labels(reason) for reason in reasons}

    def retried(self, cause: str) -> None:
        self._retries[cause].inc()

    def fell_back(self, cause: str) -> None:
        self._fallbacks[cause].inc()

    def opened(self, tool: str, *, everybody: bool, count: int) -> None:
        """
        So many more circuits of a tool are open; `tool` is its label.
        """
        scope = "everybody" if everybody else "callers"
        self.circuits_open.labels(tool, scope).inc(count)
