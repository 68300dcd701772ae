"""
From what a host offers to a tool.  Pure.

Theory of operation.  A manifest is checked as that of any tool; what only a cell could give or
enforce is refused by name, because who reads it must not believe in it.  A cache is refused too:
it is for tools whose cells let them change nothing, and nobody holds a hosted tool to its word.
Two hosts offer the same tool if their manifests are the same JSON value: `digest_of`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import strict_json
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.limits import Limits
    from toolcell_server.scopes import Scope

MAXIMUM_MANIFEST: Final = 128 * 1024  # bytes; a schema alone may have 64 KiB
LIMITS: Final = ("wall_seconds", "output_bytes", "result_bytes", "arguments_bytes")
_OF_CELLS: Final = (
    *("paths", "domains", "env", "secrets", "profile", "minimum_isolation", "preview", "command"),
    *("cache_ttl_seconds", "cache_scope", "workspace", "stateful"),
)


class BadDefinition(ValueError):  # noqa: N818  # names what happened
    """
    Raised when what is offered is no tool that can be hosted; the text says why.
    """


def tool_of(
    manifest_json: bytes, *, bundle: str, scope: Scope, defaults: Limits, ceilings: Limits
) -> Tool:
    """
    Raises:
        BadDefinition: it is no tool that can be hosted.
    """
    try:
        manifest = strict_json.parse(manifest_json, MAXIMUM_MANIFEST)
        _check(manifest)
        tool = Tool.from_manifest(manifest, bundle=bundle, defaults=defaults, ceilings=ceilings)
        tool.to_proto()  # half a surrogate pair fits JSON, and no message
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise BadDefinition(str(exc)) from exc
    return dataclasses.replace(tool, scope=scope, hosted=digest_of(manifest))


def digest_of(manifest: Mapping[str, Any]) -> str:
    """
    SHA-256 of a manifest's JSON value, however it was written.
    """
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _check(manifest: Mapping[str, Any]) -> None:
    for key in _OF_CELLS:
        if key in manifest:
            raise ValueError(
                f"{key} means nothing for a hosted tool: no cell is made; leave it out"
            )
    limits = manifest.get("limits")
    for name in limits if isinstance(limits, dict) else ():
        if name not in LIMITS:
            raise ValueError(
                f"limits.{name} cannot be enforced at a host; limit {', '.join(LIMITS)}"
            )
