"""
What may be done to each object of a tool's arguments, read from its schema once.  Pure.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from toolcell_server import schema_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Overfull(Exception):  # noqa: N818  # names what happened
    """
    Raised when defaults take more room than arguments may have: a list of ten thousand empty
    objects is small, and what would be filled into them is not.
    """


@dataclass(slots=True)
class Room:
    """
    How many bytes of defaults may still be filled in.
    """

    left: int

    def take(self, size: int) -> None:
        """
        Raises:
            Overfull: there is no room.
        """
        self.left -= size
        if self.left < 0:
            raise Overfull


@dataclass(slots=True)
class Node:
    """
    What may be done to one object, and to those below it.
    """

    dropped: set[str] = field(default_factory=set)
    filled: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)  # of those, in bytes of JSON
    below: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None

    def drop(self, value: Any, room: Room) -> bool:
        """
        Takes no room: it is as `fill` is.
        """
        changed = False
        if isinstance(value, dict):
            for name in [name for name in self.dropped if value.get(name, ...) is None]:
                del value[name]
                changed = True
        return self._each(value, Node.drop, room) or changed

    def fill(self, value: Any, room: Room) -> bool:
        """
        A default that was filled in is whole: nothing is filled into it.
        """
        changed = self._each(value, Node.fill, room)
        if isinstance(value, dict):
            for name, default in self.filled.items():
                if name not in value:
                    room.take(len(name) + self.sizes[name])
                    value[name] = copy.deepcopy(default)
                    changed = True
        return changed

    def _each(self, value: Any, do: Callable[[Node, Any, Room], bool], room: Room) -> bool:
        changed = False
        if isinstance(value, dict):
            for name, node in self.below.items():
                if name in value:
                    changed |= do(node, value[name], room)
        elif isinstance(value, list) and self.items is not None:
            for part in value:
                changed |= do(self.items, part, room)
        return changed


def read(parameters: Mapping[str, Any]) -> Node:
    """
    What may be done to arguments of this schema, which was checked.
    """
    reading = _Reading(parameters)
    node = reading.node(parameters)
    return node if node is not None else Node()


class _Reading:
    """
    Reads a schema into nodes, each part once.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        checked = schema_check.check(root)
        self._validator = checked.validator
        self._quick = checked.nodes is not None
        self._nodes: dict[int, Node] = {}

    def node(self, schema: Any) -> Node | None:
        """
        Of a schema that applies to a value as it stands; none for one that says nothing.
        """
        if not isinstance(schema, dict):
            return None
        if id(schema) in self._nodes:
            return self._nodes[id(schema)]
        applied = list(self._applied(schema))
        if len(applied) == 1 and not schema.keys() & {"properties", "items"}:
            return self.node(applied[0])  # the same node: it may be one that contains this one
        node = self._nodes[id(schema)] = Node()
        for part in applied:
            self._merge(node, self.node(part))
        self._properties(node, schema)
        if isinstance(items := schema.get("items"), dict):
            node.items = self.node(items) or node.items
        return node

    def _applied(self, schema: dict[str, Any]) -> Iterator[Any]:
        """
        What applies to the same value for certain; of a choice between one form and null, the one.
        """
        if isinstance(reference := schema.get("$ref"), str):
            yield self._target(reference)
        yield from schema.get("allOf", ())
        for keyword in ("anyOf", "oneOf"):
            forms = [form for form in schema.get(keyword, ()) if not _is_null(form)]
            if len(forms) == 1:
                yield forms[0]

    def _properties(self, node: Node, schema: dict[str, Any]) -> None:
        required = schema.get("required", ())
        for name, part in schema.get("properties", {}).items():
            if below := self.node(part):
                node.below[name] = below
            if isinstance(part, dict) and "default" in part and self._fits(part):
                node.filled[name] = part["default"]
                node.sizes[name] = len(json.dumps(part["default"]))
            if name not in required and not self._validator.evolve(schema=part).is_valid(None):
                node.dropped.add(name)

    def _fits(self, part: dict[str, Any]) -> bool:
        """
        Whether a default is of its own schema: one that is not would have each call refused that
        leaves it out.  Where checking could take long, it is left to those calls.
        """
        return not self._quick or self._validator.evolve(schema=part).is_valid(part["default"])

    def _merge(self, node: Node, other: Node | None) -> None:
        if other is not None:
            node.dropped |= other.dropped
            node.filled.update(other.filled)
            node.sizes.update(other.sizes)
            node.below.update(other.below)
            node.items = other.items or node.items

    def _target(self, reference: str) -> Any:
        found: Any = self._root
        for step in unquote(reference.removeprefix("#")).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"
