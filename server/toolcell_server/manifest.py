"""
A manifest, as a zygote sends it: checked shape by shape, because the bundle's code could have
forged it.  Pure.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from toolcell_server import schema_check
from toolcell_server.egress import templates
from toolcell_server.grants import effects_fault
from toolcell_server.path_templates import PathTemplate, check

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_-]{0,63}\Z")]
Version = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._+-]{0,63}\Z")]
Word = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=16_384)]

# Keys of a manifest that ask for what this server does not do yet.  A tool that counts on one
# must not run without it.
_NOT_BUILT = ("secrets", "scopes", "rates", "fallback", "cache_ttl_seconds")


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """
    How often the tool may be tried.
    """

    attempts: int = 1


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
    scopes: tuple[Line, ...] = ()
    profile: Literal["compute", "net", "subprocess"] = "compute"
    minimum_isolation: Literal["", "basic", "strong", "full"] = ""
    deprecated: Line = ""
    retry: Retry = Retry()
    cache_ttl_seconds: float = 0
    preview: bool = False  # it may be run to see what it would stage
    approval: Literal["", "confirm", "approve"] | bool = ""  # true: approve
    fallback: Line = ""
    rates: dict[str, Any] = field(default_factory=dict)
    command: bool = False


def parse(value: Any) -> Manifest:
    """
    The manifest that a JSON value holds.

    Raises:
        ValueError: it is none, contradicts itself, or asks for what this server does not do;
            the text says which key, and why.
    """
    manifest = msgspec.convert(value, Manifest)
    for key in _NOT_BUILT:
        if getattr(manifest, key):
            raise ValueError(f"{key} is not supported by this server yet; leave it out")
    if manifest.retry.attempts != 1:
        raise ValueError("retry.attempts other than 1 is not supported by this server yet")
    if fault := effects_fault(value):
        raise ValueError(f"effects is {fault}")
    if manifest.preview and (fault := _preview_fault(manifest)):
        raise ValueError(f"preview is promised, and {fault}")
    schema_check.check_parameters(manifest.parameters)
    if manifest.returns is not None:
        schema_check.check(manifest.returns)
    for entry in manifest.paths:
        check(PathTemplate.parse(entry), manifest.parameters)
    for domain in manifest.domains:
        templates.check(templates.DomainTemplate.parse(domain), manifest.parameters)
    return manifest


def _preview_fault(manifest: Manifest) -> str:
    """
    Why a run of the tool would change more than what it stages.
    """
    accesses = {entry.get("access") for entry in manifest.paths}
    if manifest.domains:
        return "the tool asks for domains; a run would reach them"
    if "write" in accesses:
        return 'the tool asks to write a path; use access = "staged"'
    return "" if "staged" in accesses else "the tool stages no path"
