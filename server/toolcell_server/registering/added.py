"""
What whoever registers a foreign document or server may say of its tools: keys of a manifest that
are put beside what the tools say of themselves.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell_server import manifest as manifests
from toolcell_server import schema_check
from toolcell_server.carried import Carried
from toolcell_server.refusals import InvalidField
from toolcell_server.registering.commands import manifest_of
from toolcell_server.registering.offered import Offered, Skipped
from toolcell_server.scopes import GLOBAL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from toolcell.v1 import registry_pb2

    from toolcell_server.scopes import Scope

_WRONG: Final = (ValueError, TypeError, AttributeError, RecursionError)
# Of every tool, wherever it comes from.
COMMON: Final = frozenset(
    {
        *("version", "category", "tags", "scopes", "rates", "limits", "minimum_isolation"),
        *("approval", "audit", "retry", "cache_ttl_seconds", "cache_scope", "redact_keys"),
        *("result_screens", "result_action", "fill_defaults", "drop_nulls"),
    }
)


def added(definition: registry_pb2.ToolDefinition, allowed: Collection[str]) -> dict[str, Any]:
    """
    The keys of the manifest of a definition.

    Raises:
        InvalidField: it is no JSON object, or has a key that the source itself knows.
    """
    given = manifest_of(definition) if definition.manifest_json else {}
    for key in given:
        if key not in allowed:
            listed = ", ".join(sorted(allowed))
            raise InvalidField("manifest_json", f"has the key {key!r:.64}; give only {listed}")
    return given


def check_granted(keys: Mapping[str, Any], scope: Scope, *, own_grants: bool) -> None:
    """
    Check that tools of that scope may ask for what these keys grant.  `plan.py` looks at every tool
    again; this is for what runs before there is one.

    Raises:
        InvalidField: they may not.
    """
    if scope == GLOBAL:
        return
    for name in ("paths", "domains"):
        if keys.get(name) and not own_grants:
            said = "are for tools of everybody, unless registry.own_grants is set: leave them out"
            raise InvalidField(f"manifest_json.{name}", said)
    domains = keys.get("domains")
    for entry in domains if isinstance(domains, list) else ():
        if isinstance(entry, dict) and "credential" in entry:
            said = "has a credential, which is for tools of everybody: leave it out"
            raise InvalidField("manifest_json.domains", said)


class Made(NamedTuple):
    """
    What was made of one operation or tool, by its JSON pointer in the definition: nothing of it has
    been checked.
    """

    pointer: str
    manifest: Mapping[str, Any]
    carrier: str
    payload: Mapping[str, Any]
    code: tuple[str, ...] = ()


def checked(made: Made) -> Offered | Skipped:
    """
    A tool, if it can be one: what whoever wrote it got wrong makes one tool less, and not none.
    One whose results have a schema that cannot be used is none the worse: they have none.
    """
    manifest = made.manifest
    try:
        schema_check.check(manifest.get("returns", {}))
    except _WRONG:
        manifest = {key: value for key, value in manifest.items() if key != "returns"}
    try:
        manifests.parse(manifest)
        carried = Carried(carrier=made.carrier, payload=made.payload, code=made.code)
    except _WRONG as exc:
        return Skipped(made.pointer, f"{exc!s:.500}")
    return Offered(manifest=manifest, carried=carried)
