"""
The metrics of what is kept of executions in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from toolcell_server.records.remembering import OPERATIONS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from toolcell_server.records.ledger import Ledger


class RecordMetrics:
    """
    How many endings are kept, and how often that failed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.failures = Counter(
            "toolcell_record_failures_total",
            "Times that the database of executions could not be used, by what for.",
            ("operation",),
            registry=registry,
        )
        self.kept = Gauge(
            "toolcell_records",
            "Endings of executions that the database keeps.",
            registry=registry,
        )
        self.bytes = Gauge(
            "toolcell_records_bytes",
            "About how much room they take.",
            registry=registry,
        )
        for operation in OPERATIONS:
            self.failures.labels(operation)

    def failed(self, operation: str) -> None:
        self.failures.labels(operation).inc()

    def watch(self, ledger: Ledger) -> None:
        """
        Ask this one whenever Prometheus asks.
        """
        self.kept.set_function(lambda: ledger.count)
        self.bytes.set_function(lambda: ledger.size)
