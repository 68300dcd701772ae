"""
The metrics of who calls: failures by kind, and what could not be reloaded or will expire.

Declared beside `metric_groups.py`, whose rules it follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

from toolcell_server.authentication.failure import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

RELOADED: Final = ("tokens", "jwt_keys", "tls")


class AuthenticationMetrics:
    """
    Who was turned away and why, and whether the server's own papers are in order.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        failures = Counter(
            "toolcell_authentication_failures_total",
            "Calls whose caller was not authenticated, by why.",
            ("kind",),
            registry=registry,
        )
        stale = Gauge(
            "toolcell_reload_failed",
            "Sources that cannot be read or used any more; their last good version is.",
            ("what",),
            registry=registry,
        )
        self._registry = registry
        self._failures = {kind.value: failures.labels(kind.value) for kind in Kind}
        self._stale = {what: stale.labels(what) for what in RELOADED}

    def failed(self, kind: str) -> None:
        self._failures[kind].inc()

    def failing(self, what: str) -> Callable[[bool], None]:
        """
        For one source of this: to be told whether its last good version is used.
        """
        gauge, failed = self._stale[what], False

        def tell(failing: bool) -> None:  # noqa: FBT001  # the one thing it is told
            nonlocal failed
            gauge.inc(failing - failed)
            failed = failing

        return tell

    def show_expiry(self, expires: Callable[[], float]) -> None:
        """
        Export when the certificate of the server ends; asked whenever Prometheus asks.
        """
        gauge = Gauge(
            "toolcell_tls_certificate_expiry_timestamp_seconds",
            "When the certificate of the server ends, in seconds since the epoch.",
            registry=self._registry,
        )
        gauge.set_function(expires)
