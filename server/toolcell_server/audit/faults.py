"""
What does not work at the moment, and what that was once it works again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_server.audit_metrics import AuditMetrics

_log = logging.getLogger(__name__)


class Faults:
    """
    At most one of each kind: `write`, `sync`, `checkpoint_file`.
    """

    def __init__(self, metrics: AuditMetrics) -> None:
        self._metrics = metrics
        self._present: dict[str, str] = {}
        self._mended: dict[str, str] = {}
        self._dropped = 0

    def __str__(self) -> str:
        """
        One of them; empty if there is none.
        """
        return next(iter(self._present.values()), "")

    def __contains__(self, kind: str) -> bool:
        return kind in self._present

    def __bool__(self) -> bool:
        return bool(self._present)

    def add(self, kind: str, error: OSError) -> None:
        """
        It did not work; said once in the log of the server, until it works again.
        """
        if kind not in self._present:
            self.note(kind, error)
        self._present[kind] = f"{kind}: {error.strerror or error}"
        self._metrics.failing.set(1)

    def note(self, kind: str, error: OSError) -> None:
        """
        It did not work, and nothing depends on it.
        """
        fields = {"what": kind, "error": str(error)}
        _log.error("the audit log cannot be kept", extra={"fields": fields})
        self._metrics.failures.labels(kind).inc()

    def check(self) -> None:
        """
        Raises:
            OSError: there is one.
        """
        if self._present:
            raise OSError(str(self))

    def drop(self) -> None:
        """
        A record was not made, because too many wait already.
        """
        self._dropped += 1
        self._metrics.dropped.inc()

    def mend(self, kind: str) -> None:
        """
        It worked.
        """
        if kind in self._present:
            self._mended[kind] = self._present.pop(kind)
            if not self._present:
                self._metrics.failing.set(0)
                _log.warning("the audit log is kept again", extra={"fields": {"what": kind}})

    def report(self) -> dict[str, Any]:
        """
        What a record should say of faults that are over; empty: nothing.
        """
        if not self._mended or self._present:
            return {}
        report = {"faults": sorted(self._mended.values()), "dropped_records": self._dropped}
        self._mended, self._dropped = {}, 0
        return report
