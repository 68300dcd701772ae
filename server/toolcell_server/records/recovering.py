"""
The first thing that a server does with the table of executions: it ends those that the last one did
not end.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from toolcell_server import outcomes
from toolcell_server.records import interrupted
from toolcell_server.scopes import GLOBAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.metrics import Metrics
    from toolcell_server.records.bygone import Bygone
    from toolcell_server.records.ledger import Ledger
    from toolcell_server.registry import Registry

_log = logging.getLogger(__name__)


def recover(
    ledger: Ledger, now: int, told: Callable[[pb.Execution], object] = lambda _: None
) -> list[Bygone]:
    """
    Give each of them its ending, `lost(outcome_unknown)`, all or none, and return them.  Called
    once, before anything runs.  `now` is in nanoseconds since 1970.  `told` hears of each before it
    is written: whoever dies in between tells it twice, and not never.

    Raises:
        StoreFailed: that cannot be written; then nothing may run.
    """
    ended = [interrupted.ended(entry, now) for entry in ledger.unfinished()]
    bygone = [entry.bygone() for entry in ended]
    for one in bygone:
        told(one.summary)
    ledger.end(ended)
    for entry in ended:
        # As `logged.py` logs those of this server.
        fields = {
            "execution_id": entry.execution_id,
            "request_id": entry.request_id,
            "principal": entry.principal,
            "tool": entry.tool,
            "outcome": "lost",
            "outcome_message": interrupted.MESSAGE,
        }
        _log.error("execution finished", extra={"fields": fields})
    return bygone


def count(lost: Iterable[Bygone], registry: Registry, metrics: Metrics) -> None:
    """
    Count what was lost, once it is known which tools there are: those that are not everybody's have
    no label of their own, and of those that are gone nobody knows whose they were.
    """
    for one in lost:
        known = any(tool.scope == GLOBAL for tool in registry.of_name(one.tool))
        tool = one.tool if known else "other"
        metrics.ended(tool, outcomes.label(one.summary.outcome)).inc()
