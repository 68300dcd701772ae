"""
Keys of a manifest that cannot both hold.  Pure.

Theory of operation.  `manifest.parse` refuses the first, `defining.check` reports all.  Each names
the keys that it is made of: where one of them is wrong by itself, nothing is said of them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.manifest import Manifest


class Contradiction(NamedTuple):
    """
    `at` is the pointer of the key to change, `keys` all that are concerned.
    """

    at: str
    keys: frozenset[str]
    text: str


def find(manifest: Manifest) -> Iterator[Contradiction]:
    """
    All of them.
    """
    yield from _of_cache(manifest)
    yield from _of_retry(manifest)
    if manifest.fallback.partition("@")[0] == manifest.name:
        yield _between("fallback name", "fallback names the tool itself; name another one")
    if manifest.preview and (fault := _preview_fault(manifest)):
        yield _between("preview paths domains workspace", f"preview is promised, and {fault}")
    if manifest.stateful and (fault := _stateful_fault(manifest)):
        keys = "stateful paths domains profile command parameters"
        yield _between(keys, f"stateful is promised, and {fault}")


def _of_cache(manifest: Manifest) -> Iterator[Contradiction]:
    """
    Only what changes nothing may be answered from a cache.
    """
    if manifest.cache_ttl_seconds and manifest.effects != "read_only":
        yield _between(
            "cache_ttl_seconds effects",
            'cache_ttl_seconds is for tools with effects = "read_only"; leave it out',
        )
    if manifest.cache_scope == "public" and not manifest.cache_ttl_seconds:
        yield _between(
            "cache_scope cache_ttl_seconds",
            "cache_scope means nothing without cache_ttl_seconds; give both",
        )


def _of_retry(manifest: Manifest) -> Iterator[Contradiction]:
    """
    What changes something may be tried again only if doing it twice is doing it once.
    """
    retry = manifest.retry
    again = retry.attempts > 1
    if again and manifest.effects != "read_only" and not manifest.idempotent:
        yield _between(
            "retry effects idempotent",
            'retry.attempts above 1 is for tools with effects = "read_only" or idempotent = true;'
            " leave it out",
            "/attempts",
        )
    if again and not retry.on:
        said = 'retry.on names nothing to retry after; name "lost" or "temporary"'
        yield _between("retry", said, "/on")
    if retry.initial_seconds > retry.maximum_seconds:
        said = "retry.initial_seconds is above retry.maximum_seconds; lower it"
        yield _between("retry", said, "/initial_seconds")


def _preview_fault(manifest: Manifest) -> str:
    """
    Why a run of the tool would change more than what it stages.
    """
    accesses = {entry.get("access") for entry in manifest.paths}
    if manifest.domains:
        return "the tool asks for domains; a run would reach them"
    if manifest.workspace == "write":
        return "the tool asks to write the workspace of the session"
    if "write" in accesses:
        return 'the tool asks to write a path; use access = "staged"'
    return "" if "staged" in accesses else "the tool stages no path"


def _stateful_fault(manifest: Manifest) -> str:
    """
    Why its cell cannot serve one call after the other: what a cell has is granted once.
    """
    if manifest.profile != "compute" or manifest.domains or manifest.command:
        return "the tool needs more than one process without a network"
    if manifest.paths:
        return "the tool asks for paths, which are granted once; let it use the workspace"
    declared = manifest.parameters.get("properties", {}).get("stateful", {})
    return "" if declared.get("type") == "boolean" else "it has no boolean argument stateful"


def _between(keys: str, text: str, below: str = "") -> Contradiction:
    """
    A contradiction of these keys; the first is the one to change.
    """
    named = keys.split()
    return Contradiction(f"/{named[0]}{below}", frozenset(named), text)
