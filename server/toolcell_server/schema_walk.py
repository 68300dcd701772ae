"""
The shape of a JSON Schema: which subschemas it has, how each is applied, and whether they loop.
Pure.

Theory of operation.  A subschema is applied either *in place*, to the same value as its parent
(`allOf`, `$ref`, …), or *below*, to a part of that value (`properties`, `items`, …).  A loop made
of in-place steps alone never ends, whatever the value; a loop that goes below ends where the value
ends, and is an ordinary recursive schema.  Unrolled, a schema that does not loop visits each part
of a value at most as often as it has nodes: the number that says whether checking is cheap.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from toolcell_server.json_pointer import escape

_IN_PLACE: Final = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"}
)
_BELOW: Final = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "items",
        "patternProperties",
        "prefixItems",
        "properties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_MAPS: Final = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
_APART: Final = frozenset({"$defs", "definitions"})  # applied only where a `$ref` names them


class SchemaLoop(ValueError):  # noqa: N818  # names what happened
    """
    Raised when in-place steps lead from a subschema back to itself; `at` is one of them.
    """

    def __init__(self, pointers: Sequence[str]) -> None:
        loop = " → ".join(pointer or "#" for pointer in pointers)
        super().__init__(f"refers to itself without end: {loop}")
        self.at = pointers[0]


@dataclass(slots=True)
class Shape:
    """
    The subschemas of a schema by JSON pointer, and the steps between them.
    """

    subschemas: dict[str, Any] = field(default_factory=dict)
    in_place: dict[str, list[str]] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)

    def check_loops(self) -> None:
        """
        Raises:
            SchemaLoop: a loop of in-place steps; names it.
        """
        try:
            graphlib.TopologicalSorter(self.in_place).prepare()
        except graphlib.CycleError as exc:
            raise SchemaLoop(exc.args[1][::-1]) from None

    def unrolled(self) -> tuple[int, int] | None:
        """
        How many nodes the unrolled schema has, those of its enumerations and the like included,
        and its height; None for a recursive one.
        """
        steps = {at: [*self.in_place[at], *self.below[at]] for at in self.subschemas}
        sizes: dict[str, int] = {}
        heights: dict[str, int] = {}
        try:
            for at in graphlib.TopologicalSorter(steps).static_order():
                sizes[at] = _weight(self.subschemas[at]) + sum(sizes[step] for step in steps[at])
                heights[at] = 1 + max((heights[step] for step in steps[at]), default=0)
        except graphlib.CycleError:
            return None
        return sizes[""], heights[""]


def walk(schema: Any) -> Shape:
    """
    The shape of a schema whose size and depth are bounded already.

    Raises:
        ValueError: a reference does not name a subschema of this schema; names it.
    """
    shape, dangling = walk_all(schema)
    for text in dangling.values():
        raise ValueError(text)
    return shape


def walk_all(schema: Any) -> tuple[Shape, dict[str, str]]:
    """
    As `walk`, also of a schema whose references name nothing: what is wrong, by where.
    """
    shape = Shape()
    dangling: dict[str, str] = {}
    _add(shape, "", schema)
    for at, subschema in shape.subschemas.items():
        if isinstance(subschema, Mapping) and "$ref" in subschema:
            try:
                shape.in_place[at].append(_target(shape, subschema["$ref"]))
            except ValueError as exc:
                dangling[at] = str(exc)
    return shape, dangling


def _add(shape: Shape, at: str, schema: Any) -> None:
    shape.subschemas[at] = schema
    shape.in_place[at], shape.below[at] = [], []
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        for below, subschema in _children(keyword, value, f"{at}/{escape(keyword)}"):
            _add(shape, below, subschema)
            if keyword in _IN_PLACE:
                shape.in_place[at].append(below)
            elif keyword not in _APART:
                shape.below[at].append(below)


def _children(keyword: str, value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if keyword in _MAPS:
        if isinstance(value, Mapping):
            yield from (
                (f"{at}/{escape(key)}", child)
                for key, child in value.items()
                if isinstance(child, Mapping | bool)  # draft-07 dependencies may list names
            )
    elif keyword in _IN_PLACE or keyword in _BELOW:
        if isinstance(value, list):
            yield from ((f"{at}/{index}", child) for index, child in enumerate(value))
        else:
            yield at, value


def _weight(schema: Any) -> int:
    """
    The nodes of a subschema itself, without the subschemas in it.
    """
    if not isinstance(schema, Mapping):
        return 1
    apart = _IN_PLACE | _BELOW | _APART
    return 1 + sum(_nodes(value) for keyword, value in schema.items() if keyword not in apart)


def _nodes(value: Any) -> int:
    children = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list):
        return 1 + sum(map(_nodes, children))
    return 1


def _target(shape: Shape, reference: Any) -> str:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise ValueError(f'$ref {reference!r:.80} is not local; only "#" and "#/…" are followed')
    target = unquote(reference[1:])
    if target not in shape.subschemas:
        raise ValueError(f"$ref {reference!r:.80} does not name a subschema of this schema")
    return target
