"""
The metrics of the server, and what they show of its state.

Theory of operation.  The registry is our own and not the library's global one, so that two servers
in one process (tests) do not add up, and nothing is exported that is not declared here or in
`metric_groups.py`.  Registered tools are a closed set, but not a small one; so only the first 200
that run have a label of their own.
"""

from __future__ import annotations

import functools
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Info
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2

from toolcell_server.audit_metrics import AuditMetrics
from toolcell_server.authentication_metrics import AuthenticationMetrics
from toolcell_server.bundles.reload_metrics import ReloadMetrics
from toolcell_server.metric_groups import (
    CapacityMetrics,
    CellMetrics,
    EgressMetrics,
    ExecutionMetrics,
    RateMetrics,
    RpcMetrics,
    ScreenMetrics,
)
from toolcell_server.record_metrics import RecordMetrics
from toolcell_server.registering.metrics import RegisteringMetrics
from toolcell_server.repeating_metrics import CacheMetrics, RepeatingMetrics
from toolcell_server.sessions.metrics import SessionMetrics
from toolcell_server.workflows.metrics import WorkflowMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.registry import Registry

MAXIMUM_TOOL_LABELS: Final = 200
OTHER: Final = "other"
_STATUSES: Final = {pb.WALL_STATUS_ACTIVE: 2, pb.WALL_STATUS_DEGRADED: 1}


class Metrics:
    """
    The metrics of one server.  `registry` is what the listener exports.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.executions = ExecutionMetrics(registry)
        self.cells = CellMetrics(registry)
        self.capacity = CapacityMetrics(registry)
        self.egress = EgressMetrics(registry)
        self.rates = RateMetrics(registry)
        self.rpcs = RpcMetrics(registry)
        self.audit = AuditMetrics(registry)
        self.cache = CacheMetrics(registry)
        self.repeating = RepeatingMetrics(registry)
        self.records = RecordMetrics(registry)
        self.registering = RegisteringMetrics(registry)
        self.screens = ScreenMetrics(registry)
        self.sessions = SessionMetrics(registry)
        self.reloads = ReloadMetrics(registry)
        self.workflows = WorkflowMetrics(registry)
        self.authentication = AuthenticationMetrics(registry)
        self.tools = Gauge(
            "toolcell_tools", "Registered tools, by state.", ("state",), registry=registry
        )
        self.cost = Counter(
            "toolcell_execution_cost_total",
            "What executions cost by the price of their tool, in the operator's unit.",
            ("tool",),
            registry=registry,
        )
        build = Info("toolcell_build", "What runs.", registry=registry)
        build.info({"version": version("toolcell"), "python": platform.python_version()})
        prometheus_client.ProcessCollector(registry=registry)
        self._tool_labels: set[str] = set()
        self._ended: dict[tuple[str, str], Counter] = {}

    def ended(self, tool: str, outcome: str) -> Counter:
        """
        The counter of that tool's executions that ended so.  Found once: the library checks and
        locks each time that it is asked.
        """
        label = self.tool_label(tool)
        if (label, outcome) not in self._ended:
            self._ended[label, outcome] = self.executions.ended.labels(label, outcome)
        return self._ended[label, outcome]

    def spent(self, tool: str, cost: float) -> None:
        """
        An execution of that tool cost so much, in the operator's unit.
        """
        self.cost.labels(self.tool_label(tool)).inc(cost)

    def circuit_changed(self, tool: str, everybody: bool, count: int) -> None:  # noqa: FBT001
        """
        So many more circuits of a tool are open, for everybody or for some of its callers.
        """
        self.repeating.opened(self.tool_label(tool), everybody=everybody, count=count)

    def tool_label(self, name: str) -> str:
        """
        The label of a registered tool: its name, or `other` after the first 200 names.
        """
        if name not in self._tool_labels:
            if len(self._tool_labels) >= MAXIMUM_TOOL_LABELS:
                return OTHER
            self._tool_labels.add(name)
        return name

    def watch_cells(
        self,
        running: Callable[[], float],
        queued: Callable[[], float],
        limit: Callable[[], float],
        sizes: tuple[int, int],
    ) -> None:
        """
        Ask these for the cells in use, and how many may be now, whenever Prometheus asks; `sizes`
        are the maxima.
        """
        self.capacity.concurrency_limit.set_function(limit)
        for state, ask, size in zip(("running", "queued"), (running, queued), sizes, strict=True):
            self.cells.in_use.labels(state).set_function(ask)
            self.cells.maximum.labels(state).set(size)

    def show_isolation(self, bundle: str, report: pb.IsolationReport) -> None:
        """
        Export the walls of a bundle's cells, as last proved.
        """
        self.cells.isolation_level.labels(bundle).set(report.level)
        for wall in report.walls:
            name = pb.Wall.Name(wall.wall).removeprefix("WALL_").lower()
            self.cells.wall_status.labels(bundle, name).set(_STATUSES.get(wall.status, 0))

    def show_tools(self, registry: Registry) -> None:
        """
        Export how many tools are in each state, now and whenever Prometheus asks.
        """
        for state in registry_pb2.ToolState.values():
            if state != registry_pb2.TOOL_STATE_UNSPECIFIED:
                name = registry_pb2.ToolState.Name(state).removeprefix("TOOL_STATE_").lower()
                self.tools.labels(name).set_function(functools.partial(registry.count, state))
