"""
Every metric of the server, declared once.

Theory of operation.  The registry is our own and not the library's global one, so that two servers
in one process (tests) do not add up, and nothing is exported that is not declared here.  Label
values come from closed sets: enums of the contract, names of our refusals, bundles of the settings,
registered tools.  Nothing that a caller sends becomes a label value, or a caller could grow the
server's memory and Prometheus' without end; so only the first 200 tools that run have a label of
their own.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2

from toolcell_server import refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.registry import Registry

MAXIMUM_TOOL_LABELS: Final = 200
OTHER: Final = "other"
# As OpenTelemetry has them for tool calls and for RPCs: dashboards compare like with like.
_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_STAGE_SECONDS: Final = (0.001, 0.002, 0.005, *_SECONDS)  # a cell is built in milliseconds
_RPC_SECONDS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1, 2.5, 5, 7.5, 10, 30, 60, 300),
)
_BYTES: Final = tuple(2**power for power in range(22, 35, 2))  # 4 MiB to 16 GiB
_METHOD: Final = ("grpc_type", "grpc_service", "grpc_method")
_STATUSES: Final = {pb.WALL_STATUS_ACTIVE: 2, pb.WALL_STATUS_DEGRADED: 1}


class Metrics:
    """
    The metrics of one server.  `registry` is what the listener exports.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.executions = Counter(
            "toolcell_executions_total",
            "Executions that ended, by how.",
            ("tool", "outcome"),
            registry=registry,
        )
        self.stage_seconds = Histogram(
            "toolcell_execution_duration_seconds",
            "Time of each attempt: queue (until its turn), cell (until the tool begins), run.",
            ("stage",),
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.cpu_seconds = Histogram(
            "toolcell_execution_cpu_seconds",
            "Processor time of an execution, all its processes together.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.memory_peak_bytes = Histogram(
            "toolcell_execution_memory_peak_bytes",
            "Most memory of an execution at one time.",
            buckets=_BYTES,
            registry=registry,
        )
        self.output_bytes = Counter(
            "toolcell_output_bytes_total",
            "Bytes that tools wrote, those beyond the limit included.",
            ("stream",),
            registry=registry,
        )
        self.cells = Gauge(
            "toolcell_cells",
            "Executions that run in a cell, and that are queued for one.",
            ("state",),
            registry=registry,
        )
        self.cells_maximum = Gauge(
            "toolcell_cells_maximum",
            "How many executions may run, and may be queued.",
            ("state",),
            registry=registry,
        )
        self.refusals = Counter(
            "toolcell_refusals_total",
            "Calls that were refused, by reason; nothing ran.",
            ("reason",),
            registry=registry,
        )
        self.tools = Gauge(
            "toolcell_tools", "Registered tools, by state.", ("state",), registry=registry
        )
        self.wall_status = Gauge(
            "toolcell_wall_status",
            "Each wall of a bundle's cells: 2 active, 1 degraded, 0 absent.",
            ("bundle", "wall"),
            registry=registry,
        )
        self.isolation_level = Gauge(
            "toolcell_isolation_level",
            "Isolation of a bundle's cells: 1 none, 2 basic, 3 strong, 4 full.",
            ("bundle",),
            registry=registry,
        )
        self.zygote_restarts = Counter(
            "toolcell_zygote_restarts_total",
            "Zygotes that were started in place of one that died.",
            ("bundle",),
            registry=registry,
        )
        self.egress_connections = Counter(
            "toolcell_egress_connections_total",
            "Connections out of cells, by what was decided and why.",
            ("verdict", "reason"),
            registry=registry,
        )
        self.egress_bytes = Counter(
            "toolcell_egress_bytes_total",
            "Bytes that the egress passed on.",
            ("direction",),
            registry=registry,
        )
        self.egress_deaths = Counter(
            "toolcell_egress_deaths_total",
            "How often the egress died while cells needed it.",
            registry=registry,
        )
        self.egress_report_only = Gauge(
            "toolcell_egress_report_only",
            "1 if what allowlists deny is let through and only reported.",
            registry=registry,
        )
        self.rpc_started = Counter(
            "grpc_server_started_total", "RPCs that began.", _METHOD, registry=registry
        )
        self.rpc_handled = Counter(
            "grpc_server_handled_total",
            "RPCs that ended, by code.",
            (*_METHOD, "grpc_code"),
            registry=registry,
        )
        self.rpc_received = Counter(
            "grpc_server_msg_received_total", "Messages received.", _METHOD, registry=registry
        )
        self.rpc_sent = Counter(
            "grpc_server_msg_sent_total", "Messages sent.", _METHOD, registry=registry
        )
        self.rpc_seconds = Histogram(
            "grpc_server_handling_seconds",
            "Time of RPCs.",
            _METHOD,
            buckets=_RPC_SECONDS,
            registry=registry,
        )
        self._tool_labels: set[str] = set()
        self._begin_at_zero()
        build = Info("toolcell_build", "What runs.", registry=registry)
        build.info({"version": version("toolcell"), "python": platform.python_version()})
        prometheus_client.ProcessCollector(registry=registry)

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
        self, running: Callable[[], float], queued: Callable[[], float], sizes: tuple[int, int]
    ) -> None:
        """
        Ask these two for the cells in use whenever Prometheus asks; `sizes` are their maxima.
        """
        for state, ask, size in zip(("running", "queued"), (running, queued), sizes, strict=True):
            self.cells.labels(state).set_function(ask)
            self.cells_maximum.labels(state).set(size)

    def show_isolation(self, bundle: str, report: pb.IsolationReport) -> None:
        """
        Export the walls of a bundle's cells, as last proved.
        """
        self.isolation_level.labels(bundle).set(report.level)
        for wall in report.walls:
            name = pb.Wall.Name(wall.wall).removeprefix("WALL_").lower()
            self.wall_status.labels(bundle, name).set(_STATUSES.get(wall.status, 0))

    def show_tools(self, registry: Registry) -> None:
        """
        Export how many tools are in each state.
        """
        for state in registry_pb2.ToolState.values():
            if state != registry_pb2.TOOL_STATE_UNSPECIFIED:
                name = registry_pb2.ToolState.Name(state).removeprefix("TOOL_STATE_").lower()
                self.tools.labels(name).set(registry.count(state))

    def _begin_at_zero(self) -> None:
        """
        A series that appears with its first event hides that event from `rate`.
        """
        for stage in ("queue", "cell", "run"):
            self.stage_seconds.labels(stage)
        for stream in ("stdout", "stderr"):
            self.output_bytes.labels(stream)
        for direction in ("sent", "received"):
            self.egress_bytes.labels(direction)
        for name in refusals.__all__:
            if name != "CallRefused":
                self.refusals.labels(getattr(refusals, name).reason)
