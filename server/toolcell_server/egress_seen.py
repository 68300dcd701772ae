"""
What the egress has seen, for those who operate it: one canonical line and the counters.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_server.metrics import Metrics

_REPORT_ONLY: Final = (
    "report-only (policy.domains_report_only): tools with domains reach hosts that they were not "
    "granted, and each is reported; switch it off once the allowlists are complete"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EgressSeen:
    """
    Logs and counts.  `reason` is from a closed set (`egress.verdicts.Reason`); a host is never a
    label, because tools choose it.
    """

    metrics: Metrics
    redact: Callable[[Any], Any] = lambda value: value  # of a JSON value: a host is a tool's word

    def report_only(self, *, on: bool) -> None:
        """
        Whether policy only reports what allowlists deny, which nobody should forget.
        """
        self.metrics.egress.report_only.set(on)
        if on:
            _log.warning(_REPORT_ONLY)

    def connection(self, said: Mapping[str, Any], fields: Mapping[str, str]) -> None:
        """
        A connection has ended: allowed, denied, reported (let through, and with the reason that
        would have denied it), or failed because nobody was there.
        """
        self.metrics.egress.connections.labels(said["verdict"], said["reason"]).inc()
        self.metrics.egress.bytes.labels("sent").inc(said["sent_bytes"])
        self.metrics.egress.bytes.labels("received").inc(said["received_bytes"])
        notable = said["verdict"] in ("denied", "reported")
        level = logging.WARNING if notable else logging.INFO
        told = self.redact({**fields, **said})
        _log.log(level, "connection", extra={"fields": told})

    def name(self, denied: Mapping[str, Any], fields: Mapping[str, str]) -> None:
        """
        A name that was not granted was looked up: denied, or reported.  What a tool looks up it may
        mean to carry out.
        """
        verdict = "reported" if denied["reported_only"] else "denied"
        self.metrics.egress.names.labels(verdict, denied["reason"]).inc()
        said = {"host": denied["target"], "verdict": verdict, "reason": denied["reason"]}
        _log.warning("name", extra={"fields": self.redact({**fields, **said})})

    def died(self) -> None:
        """
        The egress died while cells needed it.
        """
        self.metrics.egress.deaths.inc()
        _log.warning("the egress died; cells that it served are without a network")
