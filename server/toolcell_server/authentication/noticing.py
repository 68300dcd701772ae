"""
What the operator learns of callers that were turned away.

Whoever may connect may fail as often as he likes, so the log has at most one line for each kind in
ten seconds, with how many there were; the metric counts them all.  Neither holds a credential.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.authentication.failure import Kind
    from toolcell_server.authentication_metrics import AuthenticationMetrics

PERIOD_SECONDS: Final = 10.0
_log = logging.getLogger(__name__)


class Noticing:
    """
    Counts and logs failures.
    """

    def __init__(
        self, metrics: AuthenticationMetrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._last: dict[Kind, float] = {}
        self._unsaid: dict[Kind, int] = {}

    def note(self, kind: Kind, peer: str) -> None:
        """
        One caller at `peer` was not authenticated.
        """
        self._metrics.failed(kind.value)
        now, since = self._clock(), self._unsaid.get(kind, 0)
        if kind in self._last and now - self._last[kind] < PERIOD_SECONDS:
            self._unsaid[kind] = since + 1
            return
        self._last[kind], self._unsaid[kind] = now, 0
        fields = {"kind": kind.value, "peer": peer, "unsaid": since}
        _log.warning("not authenticated", extra={"fields": fields})
