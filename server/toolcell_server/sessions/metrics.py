"""
The metrics of sessions, never by whose they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from toolcell_server.sessions.sessions import Sessions

HAPPENINGS: Final = ("created", "deleted", "expired", "uploaded", "downloaded", "removed", "full")


class SessionMetrics:
    """
    How many there are, what they hold, and what happens to them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions = Gauge("toolcell_sessions", "Sessions that there are.", registry=registry)
        self.bytes = Gauge(
            "toolcell_session_bytes",
            "What was last seen in workspaces, of those used since the server started.",
            registry=registry,
        )
        self.interpreters = Gauge(
            "toolcell_session_interpreters",
            "Interpreters that keep the state of a session.",
            registry=registry,
        )
        self.happened = Counter(
            "toolcell_session_events_total",
            "Sessions that were created, deleted, expired or exceeded their quota (full), and files"
            " that were uploaded, downloaded and removed.",
            ("event",),
            registry=registry,
        )
        for event in HAPPENINGS:
            self.happened.labels(event)

    def watch(self, sessions: Sessions) -> None:
        """
        Ask this one whenever Prometheus asks.
        """
        self.sessions.set_function(lambda: sessions.count)
        self.bytes.set_function(lambda: sessions.bytes)
        self.interpreters.set_function(lambda: sessions.interpreters.count)
