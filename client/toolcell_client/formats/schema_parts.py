"""
The parts of a JSON Schema: its subschemas, and what its references name.  Pure.

Theory of operation.  Schemas come from servers, registries and people, and a schema may be built to
take time without end: deep, wide, or with references that unfold exponentially.  So size and depth
are bounded before anything recurses, and whatever follows references spends from a `Budget`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from toolcell_client.formats.limits import SCHEMA_DEPTH, SCHEMA_NODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Schema = Any  # an object or a boolean, whatever the type checker thinks of JSON

_MAPS: Final = frozenset(
    {"properties", "$defs", "definitions", "patternProperties", "dependentSchemas", "dependencies"}
)
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_SINGLE: Final = frozenset(
    {
        *("items", "additionalItems", "additionalProperties", "unevaluatedItems", "contains"),
        *("unevaluatedProperties", "not", "if", "then", "else", "propertyNames", "contentSchema"),
    }
)


class SchemaTooLarge(ValueError):  # noqa: N818  # names what it is
    """
    Raised when a schema is deeper or larger than is looked into.
    """


class UnresolvedReference(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a `$ref` names nothing in its own schema.
    """


class Budget:
    """
    How many more nodes may be visited.
    """

    def __init__(self, nodes: int = SCHEMA_NODES) -> None:
        self.left = nodes

    def spend(self) -> None:
        """
        Raises:
            SchemaTooLarge: nothing is left.
        """
        self.left -= 1
        if self.left < 0:
            raise SchemaTooLarge(
                f"has more than {SCHEMA_NODES} nodes once its references are followed;"
                " refer less often"
            )


def check_size(schema: Schema) -> None:
    """
    Raises:
        SchemaTooLarge: it is too deep or too large to be looked into.
    """
    level, nodes, depth = _inside([schema]), 0, 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > SCHEMA_NODES:
            raise SchemaTooLarge(f"has more than {SCHEMA_NODES} objects and lists; make it smaller")
        if depth > SCHEMA_DEPTH:
            raise SchemaTooLarge(f"is deeper than {SCHEMA_DEPTH} levels; make it flatter")
        level = [below for each in level for below in _inside(each)]


def changed(schema: Mapping[str, Any], change: Callable[[Schema], Schema]) -> dict[str, Any]:
    """
    The schema with each subschema right below it as `change` makes it.
    """
    return {keyword: _changed(keyword, value, change) for keyword, value in schema.items()}


def subschemas(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """
    Each subschema right below, with its JSON pointer from here.
    """
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, Mapping):
            yield from (
                (f"/{escaped(keyword)}/{escaped(key)}", each) for key, each in value.items()
            )
        elif keyword in _LISTS and isinstance(value, list):
            yield from ((f"/{keyword}/{index}", each) for index, each in enumerate(value))
        elif keyword in _SINGLE:
            yield f"/{keyword}", value


def everywhere(schema: Schema) -> Iterator[Mapping[str, Any]]:
    """
    The schema and all subschemas, at any depth, that are objects.
    """
    rest = [schema]
    while rest:
        each = rest.pop()
        if isinstance(each, Mapping):
            yield each
            rest += [below for _, below in subschemas(each)]


def target(root: Schema, reference: Any) -> tuple[str, Schema]:
    """
    What a `$ref` names: its JSON pointer, and the schema.

    Raises:
        UnresolvedReference: it names nothing in this schema.
    """
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise UnresolvedReference(
            f"$ref {reference!r:.80} is not local: only # and #/… are followed"
        )
    pointer = unquote(reference[1:])
    found = root
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise UnresolvedReference(f"$ref {reference!r:.80} names nothing here") from None
    if not isinstance(found, Mapping | bool):
        raise UnresolvedReference(f"$ref {reference!r:.80} names no schema")
    return pointer, found


def escaped(key: str) -> str:
    """
    A key as a part of a JSON pointer.
    """
    return key.replace("~", "~0").replace("/", "~1")


def _inside(value: Any) -> list[Any]:
    below = value.values() if isinstance(value, Mapping) else value
    return [each for each in below if isinstance(each, Mapping | list)]


def _changed(keyword: str, value: Any, change: Callable[[Schema], Schema]) -> Any:
    if keyword in _MAPS and isinstance(value, Mapping):
        # `dependencies` of draft-07 may list names instead.
        return {
            key: change(each) if isinstance(each, Mapping | bool) else each
            for key, each in value.items()
        }
    if keyword in _LISTS and isinstance(value, list):
        return [change(each) for each in value]
    if keyword in _SINGLE and isinstance(value, Mapping | bool):
        return change(value)
    return value
