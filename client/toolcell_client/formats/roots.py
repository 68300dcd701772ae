"""
The root of a tool's schema, of which every provider wants an object without unions.  Pure.

Theory of operation.  A union at the root makes OpenAI and Anthropic refuse the whole request.  It
becomes one object with the properties of all branches, of which only those that every branch
requires are required; a note says so, and the server checks what was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from toolcell_client.formats.json_values import same
from toolcell_client.formats.merging import ANNOTATIONS, NotMergeable
from toolcell_client.formats.schema_parts import UnresolvedReference

if TYPE_CHECKING:
    from toolcell_client.formats.exporting import Exporting
    from toolcell_client.formats.schema_parts import Schema

UNIONS: Final = ("anyOf", "oneOf")
# What the root of an object may not have beside its type.
FORBIDDEN: Final = ("allOf", "anyOf", "oneOf", "not", "enum", "const")


def plain_root(exporting: Exporting, schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    The root as one object, its references to other parts as they are.
    """
    try:
        flat = exporting.flattening.inlined(schema, frozenset())[0]
    except (NotMergeable, UnresolvedReference) as exc:
        remedy = "write one schema that says both"
        exporting.blocked("", "allOf", str(exc), remedy)
        flat = {word: schema[word] for word in schema if word not in ("allOf", "$ref")}
    root: dict[str, Any] = {**flat, "type": "object"}
    for word in UNIONS:
        if root.get(word):
            root = _widened(exporting, root, word)
    for word in FORBIDDEN:
        if word in root:
            exporting.told("", word)
            told = f"{word}: {root.pop(word)!s:.200}"
            root["description"] = f"{root.get('description', '')} {{{told}}}".strip()
    return root


def _widened(exporting: Exporting, root: dict[str, Any], word: str) -> dict[str, Any]:
    rest = {each: root[each] for each in root if each not in UNIONS and each not in ANNOTATIONS}
    branches = list(_branches(exporting, rest, root[word]))
    made = {each: root[each] for each in root if each != word}
    if branches:
        made["properties"] = _all_properties(branches)
        common = branches[0].get("required", ())
        made["required"] = [
            each for each in common if all(each in one.get("required", ()) for one in branches)
        ]
        closed = all(one.get("additionalProperties", True) is False for one in branches)
        if closed:
            made["additionalProperties"] = False
        elif made.get("additionalProperties") is False:
            del made["additionalProperties"]
    exporting.note(
        "",
        word,
        "the root may be no union; exported as one object with the properties of all branches",
        "put the union under a property of its own, or offer a tool for each branch",
    )
    return made


def _branches(exporting: Exporting, rest: Mapping[str, Any], branches: list[Schema]) -> Any:
    for each in branches:
        try:
            flat = exporting.flattening.inlined({**rest, "allOf": [each]}, frozenset())[0]
        except (NotMergeable, UnresolvedReference):
            continue
        if isinstance(flat, Mapping):
            yield flat


def _all_properties(branches: list[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for branch in branches:
        for name, each in branch.get("properties", {}).items():
            ways = found.setdefault(name, [])
            if each is not False and not any(same(each, way) for way in ways):
                ways.append(each)
    return {
        name: ways[0] if len(ways) == 1 else {"anyOf": ways} for name, ways in found.items() if ways
    }
