"""
Whether a schema admits null.  Pure.

For one value, and that the simplest, a schema can be decided: few keywords say anything about null.
`nullable` of OpenAPI is no keyword of JSON Schema, and says nothing here, as it does to the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.json_values import literals, types
from toolcell_client.formats.schema_parts import UnresolvedReference, target

if TYPE_CHECKING:
    from toolcell_client.formats.schema_parts import Budget, Schema


def admits_null(
    schema: Schema, root: Schema, budget: Budget, seen: frozenset[str] = frozenset()
) -> bool:
    """
    Whether null is valid.  A reference that cannot be followed is taken to admit it.

    Raises:
        SchemaTooLarge: the budget is spent.
    """
    budget.spend()
    if not isinstance(schema, Mapping):
        return schema is not False
    kinds, values = types(schema), literals(schema)
    if (kinds is not None and "null" not in kinds) or (values is not None and None not in values):
        return False
    if "$ref" in schema and not _followed(schema["$ref"], root, budget, seen):
        return False
    return _combined(schema, lambda each: admits_null(each, root, budget, seen))


def _followed(reference: Any, root: Schema, budget: Budget, seen: frozenset[str]) -> bool:
    try:
        pointer, found = target(root, reference)
    except UnresolvedReference:
        return True
    return pointer in seen or admits_null(found, root, budget, seen | {pointer})


def _combined(schema: Mapping[str, Any], admits: Any) -> bool:
    if not all(map(admits, schema.get("allOf", ()))):
        return False
    if "anyOf" in schema and not any(map(admits, schema["anyOf"])):
        return False
    if "oneOf" in schema and sum(map(admits, schema["oneOf"])) != 1:
        return False
    if "not" in schema and admits(schema["not"]):
        return False
    if "if" not in schema:
        return True
    return bool(admits(schema.get("then" if admits(schema["if"]) else "else", True)))
