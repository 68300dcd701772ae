"""
Every metric of the server, declared once, by what it is about.

Label values come from closed sets: enums of the contract, names of our refusals, bundles of the
settings, registered tools.  Nothing that a caller sends becomes a label value, or a caller could
grow the server's memory and Prometheus' without end.  What is known of such a set begins at zero: a
series that appears with its first event hides that event from `rate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

from toolcell_server import refusals
from toolcell_server.rates.rules import KINDS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

# As OpenTelemetry has them for tool calls and for RPCs: dashboards compare like with like.
_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_STAGE_SECONDS: Final = (0.001, 0.002, 0.005, *_SECONDS)  # a cell is built in milliseconds
_RPC_SECONDS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1, 2.5, 5, 7.5, 10, 30, 60, 300),
)
_BYTES: Final = tuple(2**power for power in range(22, 35, 2))  # 4 MiB to 16 GiB
_METHOD: Final = ("grpc_type", "grpc_service", "grpc_method")


class ExecutionMetrics:
    """
    How executions ended, how long they took, and what they used.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ended = Counter(
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
        stages, streams = ("queue", "cell", "run"), ("stdout", "stderr")
        self.of_stage = {stage: self.stage_seconds.labels(stage) for stage in stages}
        self.of_stream = {stream: self.output_bytes.labels(stream) for stream in streams}


class CellMetrics:
    """
    How many cells there are, and what encloses them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.in_use = Gauge(
            "toolcell_cells",
            "Executions that run in a cell, and that are queued for one.",
            ("state",),
            registry=registry,
        )
        self.maximum = Gauge(
            "toolcell_cells_maximum",
            "How many executions may run, and may be queued.",
            ("state",),
            registry=registry,
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


class CapacityMetrics:
    """
    How many executions may run for now, and who could not even wait.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.concurrency_limit = Gauge(
            "toolcell_concurrency_limit",
            "How many executions may run at once for now, by what the host bears.",
            registry=registry,
        )
        self.capacity_refusals = Counter(
            "toolcell_capacity_refusals_total",
            "Calls refused with NO_CAPACITY, by why they could not wait.",
            ("cause",),
            registry=registry,
        )
        for cause in refusals.NoCapacity.causes:
            self.capacity_refusals.labels(cause)

    def refused_for(self, cause: str) -> None:
        self.capacity_refusals.labels(cause).inc()


class RateMetrics:
    """
    Calls beyond a rate or a quota, never by whose they were.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rate_refusals = Counter(
            "toolcell_rate_refusals_total",
            "Calls refused by a rate or a quota, by the kind of it.",
            ("kind",),
            registry=registry,
        )
        for kind in (*KINDS, "store"):
            self.rate_refusals.labels(kind)

    def refused(self, kind: str) -> None:
        self.rate_refusals.labels(kind).inc()


class ScreenMetrics:
    """
    What screens found in arguments and results.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.hits = Counter(
            "toolcell_screened_total",
            "Texts in arguments and results that looked like an attack, by what was done.",
            ("kind", "action"),
            registry=registry,
        )

    def counted(self, kind: str, action: str) -> None:
        self.hits.labels(kind, action).inc()


class EgressMetrics:
    """
    What the egress decided and passed on.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connections = Counter(
            "toolcell_egress_connections_total",
            "Connections out of cells, by what was decided and why.",
            ("verdict", "reason"),
            registry=registry,
        )
        self.names = Counter(
            "toolcell_egress_names_total",
            "Different names of each execution that were not granted and looked up, by why.",
            ("verdict", "reason"),
            registry=registry,
        )
        self.bytes = Counter(
            "toolcell_egress_bytes_total",
            "Bytes that the egress passed on.",
            ("direction",),
            registry=registry,
        )
        self.deaths = Counter(
            "toolcell_egress_deaths_total",
            "How often the egress died while cells needed it.",
            registry=registry,
        )
        self.report_only = Gauge(
            "toolcell_egress_report_only",
            "1 if what allowlists deny is let through and only reported.",
            registry=registry,
        )
        for direction in ("sent", "received"):
            self.bytes.labels(direction)


class RpcMetrics:
    """
    RPCs by method and code, and the refusals among them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.started = Counter(
            "grpc_server_started_total", "RPCs that began.", _METHOD, registry=registry
        )
        self.handled = Counter(
            "grpc_server_handled_total",
            "RPCs that ended, by code.",
            (*_METHOD, "grpc_code"),
            registry=registry,
        )
        self.received = Counter(
            "grpc_server_msg_received_total", "Messages received.", _METHOD, registry=registry
        )
        self.sent = Counter(
            "grpc_server_msg_sent_total", "Messages sent.", _METHOD, registry=registry
        )
        self.seconds = Histogram(
            "grpc_server_handling_seconds",
            "Time of RPCs.",
            _METHOD,
            buckets=_RPC_SECONDS,
            registry=registry,
        )
        self.refusals = Counter(
            "toolcell_refusals_total",
            "Calls that were refused, by reason; nothing ran.",
            ("reason",),
            registry=registry,
        )
        for name in refusals.__all__:
            if name != "CallRefused":
                self.refusals.labels(getattr(refusals, name).reason)
