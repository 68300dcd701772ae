"""
Metrics of bundles that are loaded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class ReloadMetrics:
    """
    How reloads ended, and how many tools are served as they were before.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reloads = Counter(
            "toolcell_bundle_reloads_total",
            "Bundles that were loaded again: whole, with tools served as before, or not at all.",
            ("bundle", "result"),
            registry=registry,
        )
        self._outdated = Gauge(
            "toolcell_outdated_tools",
            "Tools that are served as they were, because their source does not load.",
            ("bundle",),
            registry=registry,
        )

    def begin(self, bundle: str) -> None:
        """
        The series of a bundle.
        """
        for result in ("whole", "partly", "failed"):
            self._reloads.labels(bundle, result)
        self._outdated.labels(bundle).set(0)

    def reloaded(self, bundle: str, *, whole: bool, outdated: int) -> None:
        """
        A bundle was loaded again, with so many tools as they were; or, if not `whole`, was not.
        """
        result = "failed" if not whole else "partly" if outdated else "whole"
        self._reloads.labels(bundle, result).inc()
        self._outdated.labels(bundle).set(outdated)
