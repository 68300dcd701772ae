"""
The settings as values: frozen, and checked on construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell_server.limits import Limits
from toolcell_server.policy import Policy
from toolcell_server.settings import checks, host
from toolcell_server.settings.approval import ApprovalSettings
from toolcell_server.settings.arguments import ArgumentSettings, ResultSettings, ScreenSettings
from toolcell_server.settings.audit import AuditSettings
from toolcell_server.settings.auth import AuthSettings
from toolcell_server.settings.batch import BatchSettings
from toolcell_server.settings.breaker import BreakerSettings
from toolcell_server.settings.cache import CacheSettings
from toolcell_server.settings.egress import EgressSettings
from toolcell_server.settings.environment import EnvironmentSettings
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.hosts import HostsSettings
from toolcell_server.settings.records import RecordsSettings
from toolcell_server.settings.redaction import RedactionSettings
from toolcell_server.settings.registry import RegistrySettings
from toolcell_server.settings.rights import RightsSettings
from toolcell_server.settings.tls import TlsSettings
from toolcell_server.settings.workflows import WorkflowSettings

if TYPE_CHECKING:
    from toolcell_server.rates.rules import Rule
    from toolcell_server.settings.bundles import BundleSettings
    from toolcell_server.settings.middleware import HookSettings

MEBIBYTE: Final = 2**20
LOG_FORMATS: Final = ("text", "json")
DAY: Final = 24 * 3600
# What the operator allows unless the settings say otherwise.  A result and its frame stay below
# what the wire takes, arguments below what the server receives.
CEILINGS: Final = Limits(
    wall_seconds=300.0,
    cpu_seconds=300.0,
    memory_bytes=4096 * MEBIBYTE,
    output_bytes=16 * MEBIBYTE,
    result_bytes=16 * MEBIBYTE,
    processes=256,
    open_files=1024,
    disk_bytes=1024 * MEBIBYTE,
    file_size_bytes=1024 * MEBIBYTE,
    arguments_bytes=12 * MEBIBYTE,
    network_bytes=16 * 1024 * MEBIBYTE,
    connections=10_000,
)
MAXIMUM_ARGUMENTS: Final = 12 * MEBIBYTE
MAXIMUM_RESULT: Final = 24 * MEBIBYTE
_WHOLE: Final = {
    "max_receive_bytes": (MEBIBYTE, 64 * MEBIBYTE),
    "journal_bytes": (64 * 1024, 1024 * MEBIBYTE),
    "max_executions": (1, 4096),
    "warm_cells": (0, 1024),
    "queue": (0, 65536),
}
_SECONDS: Final = {
    "reattach_grace_seconds": (0, DAY),
    "heartbeat_seconds": (0.1, 3600),
    "drain_seconds": (0, 3600),
    "queue_seconds": (0, DAY),
    "warm_seconds": (0.1, DAY),
    "keep_finished_seconds": (0, 30 * DAY),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """
    The section `[server]`.  Addresses are `host:port`; an empty `metrics_listen` switches the
    metrics off, and only with `metrics_public` it may be reached from elsewhere; `queue` is how
    many executions may wait when `max_executions` run, and none waits that would probably not begin
    within `queue_seconds`; of each bundle at most `warm_cells` cells wait for calls, for
    `warm_seconds` after the last.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    listen: str = "127.0.0.1:50051"
    metrics_listen: str = "127.0.0.1:9464"
    metrics_public: bool = False
    reflection: bool = False
    max_receive_bytes: int = 16 * MEBIBYTE
    reattach_grace_seconds: float = 10.0
    heartbeat_seconds: float = 5.0
    drain_seconds: float = 10.0
    keep_finished_seconds: float = 3600.0
    journal_bytes: int = 8 * MEBIBYTE
    max_executions: int = field(default_factory=host.executions)
    queue: int = 64
    queue_seconds: float = 10.0
    warm_cells: int = 32
    warm_seconds: float = 30.0

    def __post_init__(self) -> None:
        checks.address("server.listen", self.listen)
        checks.switch("server.metrics_public", self.metrics_public)
        if self.metrics_listen != "":
            _check_metrics(self.metrics_listen, public=self.metrics_public)
        checks.switch("server.reflection", self.reflection)
        for name, (lowest, highest) in _WHOLE.items():
            checks.number(f"server.{name}", getattr(self, name), lowest, highest, whole=True)
        for name, (shortest, longest) in _SECONDS.items():
            checks.number(f"server.{name}", getattr(self, name), shortest, longest, whole=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinSettings:
    """
    The section `[builtin]`: whether the tools that come with toolcell are served, and among them
    the one that runs any shell command.

    Raises:
        SettingsError: one of the values is no switch.
    """

    enabled: bool = True
    run_shell: bool = False

    def __post_init__(self) -> None:
        checks.switch("builtin.enabled", self.enabled)
        checks.switch("builtin.run_shell", self.run_shell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Everything that the operator may set.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    policy: Policy = field(default_factory=Policy)
    defaults: Limits = field(default_factory=Limits)
    ceilings: Limits = CEILINGS
    bundles: tuple[BundleSettings, ...] = ()
    builtin: BuiltinSettings = field(default_factory=BuiltinSettings)
    egress: EgressSettings = field(default_factory=EgressSettings)
    rates: tuple[Rule, ...] = ()
    approval: ApprovalSettings = field(default_factory=ApprovalSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    records: RecordsSettings = field(default_factory=RecordsSettings)
    hosts: HostsSettings = field(default_factory=HostsSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    environment: EnvironmentSettings = field(default_factory=EnvironmentSettings)
    workflows: WorkflowSettings = field(default_factory=WorkflowSettings)
    rights: RightsSettings = field(default_factory=RightsSettings)
    middleware: tuple[HookSettings, ...] = ()
    arguments: ArgumentSettings = field(default_factory=ArgumentSettings)
    screens: tuple[ScreenSettings, ...] = ()
    results: ResultSettings = field(default_factory=ResultSettings)
    redaction: RedactionSettings = field(default_factory=RedactionSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    log_format: str = "text"
    state_dir: str = ""

    def __post_init__(self) -> None:
        if self.state_dir != "":
            checks.directory("state_dir", self.state_dir)
        checks.one_of("log_format", self.log_format, LOG_FORMATS)
        _check_reach(self.server.listen, self.auth, self.tls)
        largest = min(MAXIMUM_ARGUMENTS, self.server.max_receive_bytes)
        for name, highest in (("arguments_bytes", largest), ("result_bytes", MAXIMUM_RESULT)):
            key, value = f"limits.ceilings.{name}", getattr(self.ceilings, name)
            checks.number(key, value, 1, highest, whole=True)


def _check_metrics(listen: str, *, public: bool) -> None:
    """
    Whoever reaches the metrics reads them, unencrypted: they name tools and count, no more.
    """
    key = "server.metrics_listen"
    if public:
        checks.address(key, listen)
        return
    why, remedy = "nobody who asks for metrics is authenticated", "set server.metrics_public = true"
    checks.loopback(key, listen, why, remedy)


def _check_reach(listen: str, auth: AuthSettings, tls: TlsSettings) -> None:
    """
    Who is reached from elsewhere must know who calls, and tokens must not be read on the way.
    """
    missing = {
        "[server.tls], with certificate and key": tls.certificate is None,
        "[auth], with tokens, jwt or certificates": not auth.enabled,
    }
    if lacking := [each for each, lacks in missing.items() if lacks]:
        why = "the server would not authenticate callers over TLS"
        checks.loopback("server.listen", listen, why, f"add {' and '.join(lacking)}")
    if auth.by_certificate and tls.client_ca is None:
        what, remedy = "needs authorities of clients", "name them as server.tls.client_ca"
        key = "auth.certificates" if auth.certificates else "auth.certificate_names"
        raise SettingsError(what, remedy, key=key)
