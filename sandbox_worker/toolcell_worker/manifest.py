"""
Checks what a tool declares: one shape, written as options of `@tool` or as keys of a TOML file,
read by the server's registry.

It is checked here and nowhere else; each message names the key and the remedy.
"""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec

from toolcell_worker import guards
from toolcell_worker.errors import DefinitionError
from toolcell_worker.manifest_shape import CHOICES, Approval, Conditions, Manifest, PathAccess
from toolcell_worker.requested_limits import Limits

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
DOMAIN = re.compile(r"\{|://|:\d+\Z")
# Keys of `rates`, which says how often the tool may be called; the server reads the values.
RATES = (
    "calls",
    *(f"calls_per_{unit}" for unit in ("second", "minute", "hour", "day")),
    "concurrency",
    "per",
)
DESCRIPTION_CHARACTERS = 1000  # about the shortest bound among LLM providers


def build(values: dict[str, Any]) -> Manifest:
    """
    A checked manifest.

    Raises:
        DefinitionError: a key is unknown, or a value is not allowed.
    """
    name = str(values.get("name", ""))
    refuse_unknown(values, Manifest.__struct_fields__, "the manifest", name)
    if isinstance(limits := values.get("limits"), dict):
        refuse_unknown(limits, Limits.__struct_fields__, "limits", name)
    if isinstance(conditions := values.get("conditions"), dict):
        refuse_unknown(conditions, Conditions.__struct_fields__, "conditions", name)
    if isinstance(rates := values.get("rates"), dict):
        refuse_unknown(rates, RATES, "rates", name)
    _refuse_other_choices(values, name)
    try:
        manifest = msgspec.convert(values, Manifest)
    except msgspec.ValidationError as exc:
        raise DefinitionError(str(exc).replace("`$.", "`"), name) from None
    if not manifest.profile:
        manifest.profile = "net" if manifest.domains else "compute"
    for complaint in _complaints(manifest):
        raise DefinitionError(complaint, name)
    return manifest


def refuse_unknown(values: dict[str, Any], known: tuple[str, ...], where: str, name: str) -> None:
    """
    Raises:
        DefinitionError: `values` has a key that is not known; the text lists those that are.
    """
    for key in values:
        if key not in known:
            listed = ", ".join(known)
            raise DefinitionError(f"unknown key {key!r} in {where}; known keys are {listed}", name)


def _refuse_other_choices(values: dict[str, Any], name: str) -> None:
    """
    Name the values that are allowed, which msgspec does not.
    """
    chosen = [(key, values[key], allowed) for key, allowed in CHOICES.items() if key in values]
    if isinstance(values.get("approval"), str):
        chosen.append(("approval", values["approval"], get_args(Approval)))
    paths = values.get("paths")
    for index, request in enumerate(paths if isinstance(paths, list) else []):
        if isinstance(request, dict) and "access" in request:
            chosen.append((f"paths[{index}].access", request["access"], get_args(PathAccess)))
    for key, value, allowed in chosen:
        if value not in allowed:
            listed = ", ".join(filter(None, allowed))
            raise DefinitionError(f"{key} is {value!r}; it must be one of {listed}", name)


def placeholders(template: str) -> list[str]:
    """
    Names of the arguments that a template such as `"{path}"` stands for.
    """
    return PLACEHOLDER.findall(template)


def _complaints(manifest: Manifest) -> list[str]:
    return [
        *_naming(manifest),
        *_parameters(manifest),
        *_templates(manifest),
        *_effects(manifest),
        *_network(manifest),
        *guards.complaints(manifest),
    ]


def _naming(manifest: Manifest) -> list[str]:
    found = []
    if not NAME.fullmatch(manifest.name):
        found.append(f"the name {manifest.name!r} must match ^{NAME.pattern}$")
    if not VERSION.fullmatch(manifest.version):
        found.append(f"the version {manifest.version!r} must match ^{VERSION.pattern}$")
    fallback, at, version = manifest.fallback.partition("@")
    if manifest.fallback and not NAME.fullmatch(fallback):
        found.append(f"the fallback {manifest.fallback!r} is not the name of a tool")
    if at and not VERSION.fullmatch(version):
        found.append(f"the fallback {manifest.fallback!r} has no version behind its @")
    if manifest.fallback and fallback == manifest.name:
        found.append("its fallback is the tool itself; name another one")
    length = len(manifest.description)
    if not manifest.description.strip():
        remedy = (
            'add description = "…"'
            if manifest.command
            else "write a docstring, or give description="
        )
        found.append(f"it has no description; {remedy}")
    elif length > DESCRIPTION_CHARACTERS:
        found.append(
            f"its description has {length} characters, at most {DESCRIPTION_CHARACTERS} are"
            " allowed; shorten it, or give description="
        )
    return found


def _parameters(manifest: Manifest) -> list[str]:
    schema = manifest.parameters
    if schema.get("type") != "object":
        return ['its parameters are not an object schema; give them type = "object"']
    if not isinstance(schema.get("properties", {}), dict):
        return ["the properties of its parameters are not a table"]
    return []


def _templates(manifest: Manifest) -> list[str]:
    known = manifest.parameters.get("properties", {})
    paths = [request.path for request in manifest.paths]
    found = [
        f'the path {path!r} is neither absolute nor an argument ("{{path}}")'
        for path in paths
        if not path.startswith(("/", "{"))
    ]
    for template in paths + list(map(_domain, manifest.domains)):
        found += [
            f"{template!r} names the parameter {name!r}, which it does not have"
            for name in placeholders(template)
            if name not in known
        ]
    return found


def _effects(manifest: Manifest) -> list[str]:
    if manifest.effects == "read_only":
        written = [request.path for request in manifest.paths if request.access != "read"]
        return [
            f'effects="read_only" and a grant to write {path!r} contradict each other'
            for path in written
        ]
    found = []
    if manifest.cache_ttl_seconds:
        found.append('only a tool with effects="read_only" may have cache_ttl_seconds')
    if manifest.retry.attempts > 1 and not manifest.idempotent:
        found.append('only a tool with effects="read_only" or idempotent may have retry attempts')
    return found


def _network(manifest: Manifest) -> list[str]:
    if manifest.domains and manifest.profile == "compute":
        return ['profile="compute" has no sockets, and domains are given; use profile="net"']
    return [  # the server says more, when it reads the catalogue
        f"the domain {_domain(entry) or entry!r:.80} is neither host:port nor a URL nor an"
        ' argument; write it as "api.example.com:443", "https://api.example.com" or "{url}", and'
        ' one with options as {"domain": "…", …}'
        for entry in manifest.domains
        if not DOMAIN.search(_domain(entry))
    ]


def _domain(entry: str | dict[str, Any]) -> str:
    return entry if isinstance(entry, str) else str(entry.get("domain", ""))
