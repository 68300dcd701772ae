"""
What a tool declares: the shape of its options of `@tool`, or of the keys of its TOML file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec

from toolcell_worker.guards import ResultAction, ResultScreen, ScreenAction
from toolcell_worker.requested_limits import Limits

PathAccess = Literal["read", "write", "staged"]
Effects = Literal["read_only", "writes", "destructive"]
Profile = Literal["", "compute", "net", "subprocess"]
Isolation = Literal["", "basic", "strong", "full"]
Approval = Literal["", "confirm", "approve"]
Audit = Literal["", "required"]
CacheScope = Literal["private", "public"]
CHOICES = {
    "screen_action": get_args(ScreenAction),
    "result_action": get_args(ResultAction),
    "effects": get_args(Effects),
    "profile": get_args(Profile),
    "minimum_isolation": get_args(Isolation),
    "audit": get_args(Audit),
    "cache_scope": get_args(CacheScope),
}


class PathRequest(msgspec.Struct, forbid_unknown_fields=True):
    """
    One path that the tool needs; see `paths.py`.
    """

    path: str
    access: PathAccess


class Retry(msgspec.Struct, forbid_unknown_fields=True):
    """
    How often the service may try at all, after which endings, and how long it waits in between.
    """

    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    on: list[Literal["lost", "temporary"]] = msgspec.field(
        default_factory=lambda: ["lost", "temporary"]
    )
    initial_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.2
    maximum_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 5.0
    multiplier: Annotated[float, msgspec.Meta(ge=1, le=10)] = 2.0
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2


class Price(msgspec.Struct, forbid_unknown_fields=True):
    """
    What an execution costs, in the operator's unit.
    """

    per_call: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0
    per_cpu_second: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0


class Conditions(msgspec.Struct, forbid_unknown_fields=True):
    """
    Where and for whom the tool is there; what is empty asks for nothing.
    """

    environments: list[str] = []
    environment_labels: dict[str, str] = {}
    roles: list[str] = []
    labels: dict[str, str] = {}


class Manifest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """
    Everything that the server knows about a tool.  `parameters` and `returns` are JSON Schemas.
    """

    name: str
    version: str = "1"
    title: str = ""
    description: str
    category: str = ""
    tags: list[str] = []
    parameters: dict[str, Any]
    returns: dict[str, Any] | None = None
    effects: Effects = "writes"
    idempotent: bool = False
    limits: Limits = msgspec.field(default_factory=Limits)
    paths: list[PathRequest] = []
    domains: list[str | dict[str, Any]] = []
    env: dict[str, str] = {}
    secrets: list[str] = []
    scopes: list[str] = []
    profile: Profile = ""
    minimum_isolation: Isolation = ""
    deprecated: str = ""
    retry: Retry = msgspec.field(default_factory=Retry)
    approval: Approval | bool = False
    cache_ttl_seconds: Annotated[float, msgspec.Meta(ge=0, le=31_536_000)] = 0
    cache_scope: CacheScope = "private"
    preview: bool = False
    fallback: str = ""
    rates: dict[str, Any] = {}
    command: bool = False
    audit: Audit = ""
    fill_defaults: bool = False
    drop_nulls: bool = False
    transforms: dict[str, list[str]] = {}
    screens: dict[str, list[str]] = {}
    screen_action: ScreenAction = "refuse"
    result_screens: list[ResultScreen] = []
    result_action: ResultAction = "report"
    redact_keys: list[str] = []
    price: Price = msgspec.field(default_factory=Price)
    conditions: Conditions = msgspec.field(default_factory=Conditions)

    def describe(self) -> dict[str, Any]:
        """
        The manifest as CATALOGUE carries it.
        """
        described: dict[str, Any] = msgspec.to_builtins(self)
        return described
