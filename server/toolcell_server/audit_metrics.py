"""
The metrics of the audit log: that it is written, and that it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FAILURES: Final = ("write", "sync", "checkpoint_file", "rotate", "retention", "record")


class AuditMetrics:
    """
    What the audit log does.  Alert on `failing`, and on a last checkpoint that grows old while
    records are written.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.records = Counter(
            "toolcell_audit_records_total", "Records of the audit log.", registry=registry
        )
        self.bytes = Counter(
            "toolcell_audit_bytes_total", "Bytes written to the audit log.", registry=registry
        )
        self.failures = Counter(
            "toolcell_audit_failures_total",
            "What of the audit log began to fail, by what.",
            ("what",),
            registry=registry,
        )
        self.dropped = Counter(
            "toolcell_audit_dropped_records_total",
            "Records that were not made, because too many waited to be written.",
            registry=registry,
        )
        self.failing = Gauge(
            "toolcell_audit_failing", "1 while the audit log cannot be kept.", registry=registry
        )
        self.last_checkpoint = Gauge(
            "toolcell_audit_last_checkpoint_timestamp_seconds",
            "When the last checkpoint was made; 0: none.",
            registry=registry,
        )
        for what in FAILURES:
            self.failures.labels(what)
