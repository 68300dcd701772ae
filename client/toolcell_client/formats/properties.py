"""
Aliases of properties in exported schemas.  Pure.

A name has one alias in all of a tool's schema, so that a model sees one word for one thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.schema_parts import changed, escaped, everywhere

if TYPE_CHECKING:
    from toolcell_client.formats.schema_parts import Schema


def declared_names(schema: Schema) -> set[str]:
    """
    The names of all properties, at any depth.
    """
    found: set[str] = set()
    for each in everywhere(schema):
        found |= {*each.get("properties", {}), *each.get("required", ())}
    return found


def renamed(schema: Schema, aliases: Mapping[str, str]) -> Any:
    """
    The schema with properties by their aliases, wherever it names one.
    """
    if not isinstance(schema, Mapping) or not aliases:
        return schema
    made = changed(schema, lambda each: renamed(each, aliases))
    for word in ("properties", "dependentSchemas", "dependentRequired"):
        if isinstance(made.get(word), Mapping):
            made[word] = {aliases.get(name, name): each for name, each in made[word].items()}
    if "required" in made:
        made["required"] = [aliases.get(name, name) for name in made["required"]]
    if isinstance(made.get("dependentRequired"), Mapping):
        made["dependentRequired"] = {
            name: [aliases.get(each, each) for each in names]
            for name, names in made["dependentRequired"].items()
        }
    if isinstance(made.get("$ref"), str):
        made["$ref"] = _renamed_pointer(made["$ref"], aliases)
    return made


def _renamed_pointer(reference: str, aliases: Mapping[str, str]) -> str:
    by_part = {escaped(name): escaped(alias) for name, alias in aliases.items()}
    parts = reference.split("/")
    for index in range(1, len(parts)):
        if parts[index - 1] == "properties":
            parts[index] = by_part.get(parts[index], parts[index])
    return "/".join(parts)
