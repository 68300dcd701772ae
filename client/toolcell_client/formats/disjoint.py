"""
Whether no value is valid by two branches of a union, as far as that is plain to see.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.json_values import literals, same, types
from toolcell_client.formats.merging import NotMergeable
from toolcell_client.formats.schema_parts import UnresolvedReference

if TYPE_CHECKING:
    from toolcell_client.formats.exporting import Exporting
    from toolcell_client.formats.schema_parts import Schema

MOST_BRANCHES = 50  # arbitrary; of more, pairs are not looked at


def disjoint(branches: Sequence[Schema], exporting: Exporting) -> bool:
    """
    By their types, their literals, or those of a property that both require.
    """
    if len(branches) > MOST_BRANCHES:
        return False
    seen = [_inlined(each, exporting) for each in branches]
    return all(_apart(one, other, exporting) for one, other in combinations(seen, 2))


def _inlined(schema: Schema, exporting: Exporting) -> Schema:
    try:
        return exporting.flattening.inlined(schema, frozenset())[0]
    except (NotMergeable, UnresolvedReference):
        return True


def _apart(one: Schema, other: Schema, exporting: Exporting) -> bool:
    if one is False or other is False:
        return True
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    if _types_apart(one, other) or _literals_apart(one, other):
        return True
    both = [each for each in one.get("required", ()) if each in other.get("required", ())]
    objects = types(one) == ["object"] or types(other) == ["object"]
    return objects and any(_of_property_apart(name, one, other, exporting) for name in both)


def _of_property_apart(
    name: str, one: Mapping[str, Any], other: Mapping[str, Any], exporting: Exporting
) -> bool:
    first, second = (
        _inlined(each.get("properties", {}).get(name, True), exporting) for each in (one, other)
    )
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return False
    return _types_apart(first, second) or _literals_apart(first, second)


def _types_apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = types(one), types(other)
    if first is None or second is None:
        return False
    wide = {"integer": "number"}
    return {wide.get(each, each) for each in first}.isdisjoint(
        wide.get(each, each) for each in second
    )


def _literals_apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = literals(one), literals(other)
    if first is None or second is None:
        return False
    return not any(same(left, right) for left in first for right in second)
