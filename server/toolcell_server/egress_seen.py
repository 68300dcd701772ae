"""
What the egress has seen, for those who operate it: one canonical line and the counters.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.metrics import Metrics

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EgressSeen:
    """
    Logs and counts.  `reason` is from a closed set (`egress.verdicts.Reason`); a host is never a
    label, because tools choose it.
    """

    metrics: Metrics

    def connection(self, said: Mapping[str, Any], fields: Mapping[str, str]) -> None:
        """
        A connection has ended: allowed, denied, or failed because nobody was there.
        """
        self.metrics.egress_connections.labels(said["verdict"], said["reason"]).inc()
        self.metrics.egress_bytes.labels("sent").inc(said["sent_bytes"])
        self.metrics.egress_bytes.labels("received").inc(said["received_bytes"])
        level = logging.WARNING if said["verdict"] == "denied" else logging.INFO
        _log.log(level, "connection", extra={"fields": {**fields, **said}})

    def died(self) -> None:
        """
        The egress died while cells needed it.
        """
        self.metrics.egress_deaths.inc()
        _log.warning("the egress died; cells that it served are without a network")
