"""
The metrics of workflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

OUTCOMES: Final = ("completed", "failed", "cancelled", "interrupted")
STEPS: Final = ("completed", "failed", "skipped", "retried")


class WorkflowMetrics:
    """
    How runs and their steps ended, and how many go on.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        runs = Counter(
            "toolcell_workflow_runs_total",
            "Runs of workflows that ended, or were interrupted, by how.",
            ("outcome",),
            registry=registry,
        )
        steps = Counter(
            "toolcell_workflow_steps_total",
            "Steps of workflows, items of loops and compensations, by how they ended.",
            ("state",),
            registry=registry,
        )
        self._running = Gauge(
            "toolcell_workflow_runs_running", "Runs of workflows that go on.", registry=registry
        )
        self._runs = {outcome: runs.labels(outcome) for outcome in OUTCOMES}
        self._steps = {state: steps.labels(state) for state in STEPS}

    def ended(self, outcome: str) -> None:
        self._runs[outcome].inc()

    def step(self, state: str) -> None:
        self._steps[state].inc()

    def watch(self, running: Callable[[], float]) -> None:
        """
        Ask this one whenever Prometheus asks.
        """
        self._running.set_function(running)
