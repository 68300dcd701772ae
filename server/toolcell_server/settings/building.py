"""
From keys and values to `Settings`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import limits
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy
from toolcell_server.settings import (
    arguments,
    auth,
    bundles,
    checks,
    middleware,
    rates,
    redaction,
    secret_files,
    tls,
)
from toolcell_server.settings.approval import ApprovalSettings
from toolcell_server.settings.arguments import ArgumentSettings, ResultSettings
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
from toolcell_server.settings.values import CEILINGS, BuiltinSettings, ServerSettings, Settings
from toolcell_server.settings.workflows import WorkflowSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Each section and the names in it; "" is the top of the file.
SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "": (
        *("log_format", "state_dir", "bundles", "rates", "roles", "rules", "middleware"),
        "screens",
    ),
    "server": tuple(ServerSettings.__slots__),
    "policy": tuple(Policy.__slots__),
    "limits.defaults": limits.NAMES,
    "limits.ceilings": limits.NAMES,
    "builtin": tuple(BuiltinSettings.__slots__),
    "egress": tuple(EgressSettings.__slots__),
    "approval": tuple(ApprovalSettings.__slots__),
    "audit": tuple(AuditSettings.__slots__),
    "cache": tuple(CacheSettings.__slots__),
    "batch": tuple(BatchSettings.__slots__),
    "breaker": tuple(BreakerSettings.__slots__),
    "records": tuple(RecordsSettings.__slots__),
    "hosts": tuple(HostsSettings.__slots__),
    "registry": tuple(RegistrySettings.__slots__),
    "environment": tuple(EnvironmentSettings.__slots__),
    "workflows": tuple(WorkflowSettings.__slots__),
    "rights": ("anonymous_roles",),
    "arguments": tuple(ArgumentSettings.__slots__),
    "results": tuple(ResultSettings.__slots__),
    "redaction": redaction.KEYS,
    "auth": auth.NAMES,
    "auth.jwt": auth.JWT_NAMES,
    "server.tls": tls.NAMES,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One value, and where it came from, as in "the file /etc/toolcell.toml" or "--listen".
    """

    value: Any
    source: str


def build(found: Mapping[str, Setting]) -> Settings:
    """
    The settings that these keys, all of them known, give.

    Raises:
        SettingsError: a value cannot be used; names source, key, value and remedy.
    """
    try:
        return _build({key: setting.value for key, setting in found.items()})
    except SettingsError as exc:
        if not exc.source:
            exc.source = _source(exc.key, found)
        raise


def _build(values: Mapping[str, Any]) -> Settings:
    defaults, ceilings = _limits(values)
    callers = AuthSettings.build(_section("auth", values), _section("auth.jwt", values))
    papers = TlsSettings.build(_section("server.tls", values))
    audit = AuditSettings.build(_section("audit", values))
    audit.check_kept(_section("audit", values), values.get("state_dir", ""))
    policy = _policy(values, audit.own(values.get("state_dir", "")))
    return Settings(
        server=ServerSettings(**_section("server", values)),
        policy=secret_files.denied(policy, callers, papers),
        defaults=defaults,
        ceilings=ceilings,
        bundles=bundles.build(values.get("bundles", [])),
        builtin=BuiltinSettings(**_section("builtin", values)),
        egress=EgressSettings.build(_section("egress", values)),
        rates=rates.build(values.get("rates", [])),
        approval=ApprovalSettings.build(_section("approval", values)),
        cache=CacheSettings.build(_section("cache", values)),
        batch=BatchSettings.build(_section("batch", values)),
        breaker=BreakerSettings.build(_section("breaker", values)),
        records=RecordsSettings.build(_section("records", values)),
        workflows=WorkflowSettings.build(_section("workflows", values)),
        hosts=HostsSettings.build(_section("hosts", values)),
        registry=RegistrySettings.build(_section("registry", values)),
        environment=EnvironmentSettings.build(_section("environment", values)),
        rights=RightsSettings.build(
            _section("rights", values), values.get("roles", []), values.get("rules", [])
        ),
        middleware=middleware.build(values.get("middleware", [])),
        arguments=ArgumentSettings(**_section("arguments", values)),
        screens=arguments.build_screens(values.get("screens", [])),
        results=ResultSettings.build(_section("results", values)),
        redaction=RedactionSettings.build(_section("redaction", values)),
        auth=callers,
        tls=papers,
        audit=audit,
        log_format=values.get("log_format", "text"),
        state_dir=values.get("state_dir", ""),
    )


def _section(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    keys = {name: f"{section}.{name}" for name in SECTIONS[section]}
    return {name: values[key] for name, key in keys.items() if key in values}


def _policy(values: Mapping[str, Any], own: tuple[str, ...]) -> Policy:
    """
    The policy; the server's own files are denied to every tool.
    """
    section = _section("policy", values)
    with _named("policy"):
        policy = Policy.from_settings(section)
    for index, root in enumerate(policy.roots):
        checks.directory(f"policy.roots[{index}].path", root.path)
    return dataclasses.replace(policy, denied_paths=(*policy.denied_paths, *own))


def _limits(values: Mapping[str, Any]) -> tuple[Limits, Limits]:
    """
    Defaults and ceilings.  A default that was not given gives way to a ceiling that was.
    """
    ceilings = _limit_section("limits.ceilings", CEILINGS, values)
    defaults = _limit_section("limits.defaults", Limits(), values)
    for name, value in _section("limits.defaults", values).items():
        ceiling = getattr(ceilings, name)
        if value > ceiling > 0:  # 0: a budget that nobody set
            raise SettingsError(
                f"is above the ceiling {ceiling}",
                f"lower it, or raise limits.ceilings.{name}",
                key=f"limits.defaults.{name}",
                value=value,
            )
    return defaults.capped_by(ceilings), ceilings


def _limit_section(section: str, base: Limits, values: Mapping[str, Any]) -> Limits:
    given = _section(section, values)
    for name, value in given.items():
        try:
            Limits(**{name: value})  # one by one, so that the error names the one that is wrong
        except ValueError as exc:
            what = str(exc).removeprefix(f"limits.{name} ")  # the key says it, and which of two
            raise SettingsError(what, "correct it", key=f"{section}.{name}") from None
    kept = {name: getattr(base, name) for name in limits.NAMES}
    return Limits(**{**kept, **given})


@contextlib.contextmanager
def _named(key: str) -> Iterator[None]:
    """
    Translate a ValueError, which says itself what is wrong.
    """
    try:
        yield
    except ValueError as exc:
        raise SettingsError(str(exc), "correct it", key=key) from None


def _source(key: str, found: Mapping[str, Setting]) -> str:
    """
    Where a key came from, or the nearest part of it that was given: bundles for bundles.mine.path.
    """
    for given, setting in found.items():
        if key == given or key.startswith((f"{given}.", f"{given}[")):
            return setting.source
    below = (setting.source for given, setting in found.items() if given.startswith(f"{key}."))
    return next(below, "")
