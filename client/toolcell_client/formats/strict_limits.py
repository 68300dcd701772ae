"""
Whether an exported schema is within what strict mode takes at all.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats import limits
from toolcell_client.formats.schema_parts import everywhere, subschemas, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.formats.schema_parts import Schema


@dataclass(frozen=True, slots=True)
class Over:
    """
    A limit that a schema is over: its keyword, what is so, and what to do.
    """

    keyword: str
    reason: str
    remedy: str


def over_openai(schema: Mapping[str, Any]) -> Iterator[Over]:
    """
    OpenAI's limits of one schema.
    """
    parts = list(everywhere(schema))
    properties = sum(len(each.get("properties", {})) for each in parts)
    if properties > limits.OPENAI_PROPERTIES:
        most = f"{properties} properties, and {limits.OPENAI_PROPERTIES} are taken"
        yield Over("properties", most, "split the tool")
    levels = _levels(schema, schema, {"": 0})
    if levels > limits.OPENAI_LEVELS:
        most = f"{levels} levels, and {limits.OPENAI_LEVELS} are taken"
        yield Over("properties", most, "make it flatter")
    characters = sum(map(_characters, parts))
    if characters > limits.OPENAI_CHARACTERS:
        most = (
            f"{characters} characters of names and literals; {limits.OPENAI_CHARACTERS} are taken"
        )
        yield Over("properties", most, "shorten them")
    yield from _over_enums([each["enum"] for each in parts if "enum" in each])


def anthropic_counts(schema: Mapping[str, Any]) -> tuple[int, int]:
    """
    How many optional parameters and how many unions a schema has, which count for the request.
    """
    parts = list(everywhere(schema))
    optional = sum(
        len(set(each.get("properties", {})) - set(each.get("required", ()))) for each in parts
    )
    return optional, sum("anyOf" in each or isinstance(each.get("type"), list) for each in parts)


def _over_enums(enums: list[list[Any]]) -> Iterator[Over]:
    values = sum(map(len, enums))
    if values > limits.OPENAI_ENUM_VALUES:
        most = f"{values} values, and {limits.OPENAI_ENUM_VALUES} are taken"
        yield Over("enum", most, "take a string and say in words what fits")
    for enum in enums:
        size = sum(len(str(each)) for each in enum)
        if len(enum) > limits.OPENAI_LARGE_ENUM and size > limits.OPENAI_LARGE_ENUM_CHARACTERS:
            most = f"{size} characters; {limits.OPENAI_LARGE_ENUM_CHARACTERS} are taken of so many"
            yield Over("enum", most, "shorten the values")


def _characters(schema: Mapping[str, Any]) -> int:
    names = [*schema.get("properties", {}), *schema.get("$defs", {})]
    literals = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    return sum(len(str(each)) for each in (*names, *literals))


def _levels(schema: Schema, root: Schema, known: dict[str, int]) -> int:
    """
    How deep objects and lists are in each other; a recursive reference adds nothing.
    """
    if not isinstance(schema, Mapping):
        return 0
    if "$ref" in schema:
        pointer, found = target(root, schema["$ref"])
        if pointer not in known:
            known[pointer] = 0
            known[pointer] = _levels(found, root, known)
        return known[pointer]
    below = [each for at, each in subschemas(schema) if not at.startswith("/$defs")]
    deepest = max((_levels(each, root, known) for each in below), default=0)
    return deepest + (schema.get("type") in ("object", "array"))
