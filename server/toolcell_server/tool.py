"""
A registered tool: its manifest, where it came from, and whether it can be called.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from google.protobuf.timestamp_pb2 import Timestamp
from toolcell.v1 import execution_pb2, registry_pb2, statistics_pb2

from toolcell_server import manifest as manifests
from toolcell_server.egress.templates import DomainTemplate
from toolcell_server.limits import Limits
from toolcell_server.path_templates import ACCESSES, PathTemplate
from toolcell_server.scopes import GLOBAL, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_server.carried import Carried

_EFFECTS: Final = {
    "read_only": registry_pb2.EFFECTS_READ_ONLY,
    "writes": registry_pb2.EFFECTS_WRITES,
    "destructive": registry_pb2.EFFECTS_DESTRUCTIVE,
}
_LEVELS: Final = {
    "": execution_pb2.ISOLATION_LEVEL_UNSPECIFIED,
    "basic": execution_pb2.ISOLATION_LEVEL_BASIC,
    "strong": execution_pb2.ISOLATION_LEVEL_STRONG,
    "full": execution_pb2.ISOLATION_LEVEL_FULL,
}
_SCOPES: Final = {
    "global": registry_pb2.TOOL_SCOPE_GLOBAL,
    "principal": registry_pb2.TOOL_SCOPE_PRINCIPAL,
    "session": registry_pb2.TOOL_SCOPE_SESSION,
}
_LONGEST_NAME: Final = 64
_LONGEST_REASON: Final = 1024


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True)
class Tool:
    """
    One version of one tool.  A broken one has a name, a bundle, a reason and nothing else that
    counts.  `parameters` and `returns` are JSON Schemas; `paths` are entries of the manifest.
    """

    name: str
    bundle: str
    version: str = ""
    state: registry_pb2.ToolState.ValueType = registry_pb2.TOOL_STATE_AVAILABLE
    broken_reason: str = ""
    title: str = ""
    description: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    returns: Mapping[str, Any] | None = None
    effects: str = "writes"
    idempotent: bool = False
    limits: Limits = field(default_factory=Limits)
    paths: tuple[Mapping[str, Any], ...] = ()
    workspace: str = ""  # "", "read" or "write": of the session, in calls that have one
    stateful: bool = False  # its cell may serve one call of a session after the other
    domains: tuple[str | Mapping[str, Any], ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    profile: str = "compute"
    minimum_isolation: str = ""
    deprecated: str = ""
    retry: manifests.Retry = manifests.ONCE
    cache_ttl_seconds: float = 0
    cache_scope: str = "private"
    fallback: str = ""
    command: bool = False
    rates: Mapping[str, Any] = field(default_factory=dict)  # a key of the manifest; checked
    preview: bool = False
    approval: str = ""  # "", "confirm" or "approve"
    audit: str = ""  # "required": never without a record
    fill_defaults: bool = False
    drop_nulls: bool = False
    transforms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by place
    screens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # kinds by place
    screen_action: str = "refuse"
    result_screens: tuple[str, ...] = ()
    result_action: str = "report"
    redact_keys: tuple[str, ...] = ()
    price: manifests.Price = manifests.NOTHING
    conditions: manifests.Conditions = manifests.ALWAYS
    carried: Carried | None = None  # by what, if it was registered at run time
    scope: Scope = GLOBAL
    # Where it came from, which makes it no other tool: its file, and the generation that serves it.
    file: str = field(default="", compare=False)
    generation: int = field(default=0, compare=False)
    reload_error: str = ""  # why its source, as it is now, does not load
    sunset: float = 0.0  # from when on calls are refused, in seconds since the epoch; 0.0: never
    registered: float = 0.0  # when, in seconds since the epoch; 0.0: it came with a bundle
    hosted: str = ""  # the digest of its definition, if it lives at a client
    hosts: int = 0  # that offer it now
    edition: str = ""  # digest of all that was registered; "": it came with a bundle

    @property
    def identity(self) -> str:
        """
        Its name, and whose it is if it is not everybody's: no two owners' tools have the same.
        """
        scope = self.scope
        if scope.kind == "global":
            return self.name
        whose = json.dumps((scope.kind, scope.principal, scope.session)).encode()
        return f"{self.name}@{hashlib.blake2b(whose, digest_size=8).hexdigest()}"

    @property
    def label(self) -> str:
        """
        Its name in metrics; what callers register for themselves must not become labels.
        """
        return self.name if self.scope.kind == "global" else "own"

    @classmethod
    def from_manifest(
        cls,
        value: Mapping[str, Any],
        *,
        bundle: str,
        defaults: Limits,
        ceilings: Limits,
        parse: Callable[[Any], manifests.Manifest] = manifests.parse,
        **beside: Any,
    ) -> Self:
        """
        `beside` are fields that no manifest has a say in.

        Raises:
            ValueError: it is no manifest of a tool that can run here; the text says why.
        """
        manifest = parse(value)
        limits = Limits.from_manifest(manifest.limits, defaults, ceilings)
        same = set(manifest.__struct_fields__) & set(cls.__slots__) - {"limits", "approval"}
        said = {name: getattr(manifest, name) for name in same}
        approval = "approve" if manifest.approval is True else manifest.approval or ""
        return cls(bundle=bundle, limits=limits, approval=approval, **{**said, **beside})

    @classmethod
    def broken(cls, name: str, bundle: str, reason: str, version: str = "") -> Self:
        """
        A tool that cannot be called, and why.
        """
        return cls(
            name=_cut(name, _LONGEST_NAME) or "unnamed",
            bundle=bundle,
            version=_cut(version, _LONGEST_NAME),
            state=registry_pb2.TOOL_STATE_BROKEN,
            broken_reason=_cut(reason, _LONGEST_REASON) or "no reason was given",
        )

    def as_broken(self, reason: str) -> Self:
        """
        What is left of it when it no longer loads: its name, and who stands in for it.
        """
        broken = self.broken(self.name, self.bundle, reason, self.version)
        return replace(broken, effects=self.effects, fallback=self.fallback, scope=self.scope)

    def to_proto(self) -> registry_pb2.Tool:
        """
        What a caller is told of it.
        """
        if self.state == registry_pb2.TOOL_STATE_BROKEN:
            return registry_pb2.Tool(
                name=self.name,
                version=self.version,
                bundle=self.bundle,
                state=self.state,
                effects=_EFFECTS[self.effects],
                broken_reason=self.broken_reason,
                scope=scope_to_proto(self.scope),
            )
        return registry_pb2.Tool(
            name=self.name,
            version=self.version,
            title=self.title,
            description=self.description,
            category=self.category,
            tags=self.tags,
            parameters_json=_json(self.parameters),
            returns_json=b"" if self.returns is None else _json(self.returns),
            effects=_EFFECTS[self.effects],
            idempotent=self.idempotent,
            limits=self.limits.to_proto(),
            paths=[_path(entry) for entry in self.paths],
            domains=[DomainTemplate.parse(entry).text for entry in self.domains],
            minimum_isolation=_LEVELS[self.minimum_isolation],
            state=self.state,
            bundle=self.bundle,
            deprecated=self.deprecated,
            command=self.command,
            workspace=ACCESSES.get(self.workspace, execution_pb2.PATH_ACCESS_UNSPECIFIED),
            price=self._price(),
            reload_error=_cut(self.reload_error, _LONGEST_REASON),
            code_sha256=self.carried.code_name if self.carried else "",
            scope=scope_to_proto(self.scope),
            sunset_time=to_timestamp(self.sunset),
            registered_time=to_timestamp(self.registered),
            hosted=bool(self.hosted),
            hosts=self.hosts,
        )

    def _price(self) -> statistics_pb2.Price | None:
        if (price := self.price) == manifests.NOTHING:
            return None
        return statistics_pb2.Price(per_call=price.per_call, per_cpu_second=price.per_cpu_second)


def to_timestamp(seconds: float) -> Timestamp | None:
    """
    A time in seconds since the epoch, as the contract has it; 0.0: none.
    """
    if not seconds:
        return None
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return Timestamp(seconds=whole, nanos=micros * 1000)


def scope_to_proto(scope: Scope) -> registry_pb2.ToolScope.ValueType:
    """
    For whom a tool is, as the contract has it.
    """
    return _SCOPES[scope.kind]


def _cut(text: str, maximum: int) -> str:
    """
    What a message can hold of a text that nobody has checked.
    """
    return text[:maximum].encode(errors="backslashreplace").decode()


def _json(schema: Mapping[str, Any]) -> bytes:
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode()


def _path(entry: Mapping[str, Any]) -> execution_pb2.PathGrant:
    template = PathTemplate.parse(entry)
    return execution_pb2.PathGrant(path=template.text, access=template.access)
