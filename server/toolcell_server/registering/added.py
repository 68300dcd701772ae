"""
What whoever registers a foreign document or server may say of its tools: keys of a manifest that
are put beside what the tools say of themselves.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server import manifest as manifests
from toolcell_server.carried import Carried
from toolcell_server.refusals import InvalidField
from toolcell_server.registering.commands import manifest_of
from toolcell_server.registering.offered import Offered, Offers, Skipped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from toolcell.v1 import registry_pb2

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


def offers(
    made: Iterable[tuple[str, Mapping[str, Any], str, Mapping[str, Any], tuple[str, ...]]],
    skipped: Iterable[Skipped],
) -> Offers:
    """
    What can be a tool, of (pointer, manifest, carrier, payload, code) each: what whoever wrote it
    got wrong makes one tool less, and not none.
    """
    offered, left_out = [], list(skipped)
    for pointer, manifest, carrier, payload, code in made:
        try:
            manifests.parse(manifest)
            carried = Carried(carrier=carrier, payload=payload, code=code)
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            left_out.append(Skipped(pointer, f"{exc!s:.500}"))
            continue
        offered.append(Offered(manifest=manifest, carried=carried))
    return Offers(offered, left_out)
