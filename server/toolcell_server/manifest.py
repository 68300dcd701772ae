"""
A manifest, as a zygote sends it: checked shape by shape, because the bundle's code could have
forged it.  Pure.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from toolcell_server import effects, schema_check
from toolcell_server.arguments import preparation
from toolcell_server.arguments.places import Place
from toolcell_server.defining import contradictions
from toolcell_server.egress import templates
from toolcell_server.path_templates import PathTemplate, check
from toolcell_server.rates import manifests as rates
from toolcell_server.screens import KINDS

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_-]{0,63}\Z")]
Version = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._+-]{0,63}\Z")]
# A name, and a version if it is to be that one: other_tool, other_tool@2.
Fallback = Annotated[
    str,
    Meta(pattern=r"^(?:[a-zA-Z_][a-zA-Z0-9_-]{0,63}(?:@[a-zA-Z0-9][a-zA-Z0-9._+-]{0,63})?)?\Z"),
]
Word = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=16_384)]
# A scope-token of RFC 6749, 3.3, and none of the server's own words.
Scope = Annotated[str, Meta(pattern=r"^(?!toolcell:|tools:)[\x21\x23-\x5b\x5d-\x7e]{1,256}\Z")]

Seconds = Annotated[float, Meta(ge=0, le=60)]
# Keys of a manifest that ask for what this server does not do yet.  A tool that counts on one
# must not run without it.
NOT_BUILT = ("secrets",)


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """
    How often the tool may be tried, after which endings, and how long is waited in between: first
    `initial_seconds`, each time `multiplier` times as long, up to `maximum_seconds`; up to `jitter`
    of it is added or taken away by chance.
    """

    attempts: Annotated[int, Meta(ge=1, le=10)] = 1
    on: tuple[Literal["lost", "temporary"], ...] = ("lost", "temporary")
    initial_seconds: Seconds = 0.2
    maximum_seconds: Seconds = 5.0
    multiplier: Annotated[float, Meta(ge=1, le=10)] = 2.0
    jitter: Annotated[float, Meta(ge=0, le=1)] = 0.2


ONCE: Final = Retry()


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """
    What an execution costs, in the operator's unit.
    """

    per_call: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    per_cpu_second: Annotated[float, Meta(ge=0, le=1e9)] = 0.0

    def of(self, cpu_seconds: float) -> float:
        """
        The cost of one execution that used that much.
        """
        return self.per_call + self.per_cpu_second * cpu_seconds


NOTHING: Final = Price()


class Conditions(Struct, frozen=True, forbid_unknown_fields=True):
    """
    Where and for whom the tool is there: on servers of one of these environments, all of these
    labels theirs; for principals with one of these roles, all of these labels theirs.  What is
    empty asks for nothing.
    """

    environments: Annotated[tuple[Word, ...], Meta(max_length=32)] = ()
    environment_labels: Annotated[dict[Word, Line], Meta(max_length=16)] = field(
        default_factory=dict
    )
    roles: Annotated[tuple[Line, ...], Meta(max_length=32)] = ()
    labels: Annotated[dict[Word, Line], Meta(max_length=16)] = field(default_factory=dict)


ALWAYS: Final = Conditions()


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What a tool says of itself.  `limits` and `paths` are checked by those who know them.
    """

    name: Name
    version: Version = "1"
    title: Line = ""
    description: Text
    category: Word = ""
    tags: Annotated[tuple[Word, ...], Meta(max_length=32)] = ()
    parameters: dict[str, Any]
    returns: dict[str, Any] | None = None
    effects: Literal["read_only", "writes", "destructive"] = "writes"
    idempotent: bool = False
    limits: dict[str, Any] = field(default_factory=dict)
    paths: Annotated[tuple[dict[str, Any], ...], Meta(max_length=32)] = ()
    domains: Annotated[tuple[Line | dict[str, Any], ...], Meta(max_length=64)] = ()
    env: dict[Line, Text] = field(default_factory=dict)
    secrets: tuple[Line, ...] = ()
    scopes: Annotated[tuple[Scope, ...], Meta(max_length=32)] = ()
    profile: Literal["compute", "net", "subprocess"] = "compute"
    minimum_isolation: Literal["", "basic", "strong", "full"] = ""
    deprecated: Line = ""
    preview: bool = False  # it may be run to see what it would stage
    approval: Literal["", "confirm", "approve"] | bool = ""  # true: approve
    retry: Retry = ONCE
    cache_ttl_seconds: Annotated[float, Meta(ge=0, le=31_536_000)] = 0
    cache_scope: Literal["private", "public"] = "private"
    fallback: Fallback = ""
    rates: dict[str, Any] = field(default_factory=dict)
    command: bool = False
    audit: Literal["", "required"] = ""
    fill_defaults: bool = False
    drop_nulls: bool = False
    transforms: Annotated[dict[Line, tuple[Word, ...]], Meta(max_length=64)] = field(
        default_factory=dict
    )
    screens: Annotated[dict[Line, tuple[Word, ...]], Meta(max_length=64)] = field(
        default_factory=dict
    )
    screen_action: Literal["report", "refuse"] = "refuse"
    result_screens: tuple[Literal["html", "control"], ...] = ()
    result_action: Literal["report", "strip", "refuse"] = "report"
    redact_keys: Annotated[tuple[Word, ...], Meta(max_length=64)] = ()
    price: Price = NOTHING
    conditions: Conditions = ALWAYS


def believed(value: Any) -> Manifest:
    """
    A manifest that was parsed before, by this release.

    Raises:
        ValueError: it does not even have the shape of one.
    """
    return msgspec.convert(value, Manifest)


def parse(value: Any) -> Manifest:
    """
    The manifest that a JSON value holds.

    Raises:
        ValueError: it is none, contradicts itself, or asks for what this server does not do;
            the text says which key, and why.
    """
    manifest = msgspec.convert(value, Manifest)
    for key in NOT_BUILT:
        if getattr(manifest, key):
            raise ValueError(f"{key} is not supported by this server yet; leave it out")
    if fault := effects.fault(value):
        raise ValueError(f"effects is {fault}")
    for contradiction in contradictions.find(manifest):
        raise ValueError(contradiction.text)
    schema_check.check_parameters(manifest.parameters)
    if manifest.returns is not None:
        schema_check.check(manifest.returns)
    rates.rule(manifest.name, manifest.rates)
    _check_arguments(manifest)
    for entry in manifest.paths:
        check(PathTemplate.parse(entry), manifest.parameters)
    for domain in manifest.domains:
        templates.check(templates.DomainTemplate.parse(domain), manifest.parameters)
    return manifest


def _check_arguments(manifest: Manifest) -> None:
    """
    What is done to the arguments, and looked for in them.

    Raises:
        ValueError: a place, a transform, a kind or a default cannot be used.
    """
    preparation.Preparation.of(
        manifest.parameters, manifest.transforms, drop_nulls=False, fill_defaults=False
    )
    if manifest.fill_defaults:
        preparation.check_defaults(manifest.parameters)
    for at, kinds in manifest.screens.items():
        Place.parse(at).check(manifest.parameters)
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"the screen {kind!r} is not known; use {', '.join(KINDS)}")
        if not kinds:
            raise ValueError(f"the screen at {at!r} names no kind; use {', '.join(KINDS)}")
    if "" in manifest.redact_keys:
        raise ValueError("redact_keys holds an empty name")
