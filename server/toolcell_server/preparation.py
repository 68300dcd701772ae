"""
What is done to the arguments of one tool before they are checked.  Pure.

Theory of operation.  In this order: a null that stands for "not given" is dropped, texts are
transformed, and what is still missing gets its default; a default is therefore what the author
wrote.  The schema is read once, into a tree of what can be dropped and filled where; `$ref` is
followed, and a schema that contains itself makes a tree that does, which is walked only as deep as
the arguments are.  Conditions (`if`, a choice of `anyOf` other than that of null) are not looked
into: what applies depends on the value, and a guess would be silent.

A null is dropped only where it would be refused: the property is not required, and its schema, as
the validator reads it, does not take null.  So nothing that a tool could tell apart is lost.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from toolcell_server import schema_check, schema_walk, transforms
from toolcell_server.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema.protocols import Validator


@dataclass(slots=True)
class _Node:
    """
    What may be done to one object, and to those below it.
    """

    dropped: set[str] = field(default_factory=set)
    filled: dict[str, Any] = field(default_factory=dict)
    below: dict[str, _Node] = field(default_factory=dict)
    items: _Node | None = None

    def drop(self, value: Any) -> bool:
        changed = False
        if isinstance(value, dict):
            for name in [name for name in self.dropped if value.get(name, ...) is None]:
                del value[name]
                changed = True
        return self._each(value, _Node.drop) or changed

    def fill(self, value: Any) -> bool:
        """
        A default that was filled in is whole: nothing is filled into it.
        """
        changed = self._each(value, _Node.fill)
        if isinstance(value, dict):
            for name, default in self.filled.items():
                if name not in value:
                    value[name] = copy.deepcopy(default)
                    changed = True
        return changed

    def _each(self, value: Any, do: Callable[[_Node, Any], bool]) -> bool:
        changed = False
        if isinstance(value, dict):
            for name, node in self.below.items():
                if name in value:
                    changed |= do(node, value[name])
        elif isinstance(value, list) and self.items is not None:
            for part in value:
                changed |= do(self.items, part)
        return changed


@dataclass(frozen=True, slots=True)
class Preparation:
    """
    Of one tool.  `fills` and `drops` are None where it is not asked for.
    """

    drops: _Node | None
    fills: _Node | None
    transformed: tuple[tuple[Place, Callable[[str], str]], ...]

    @classmethod
    def of(
        cls,
        parameters: Mapping[str, Any],
        table: Mapping[str, Sequence[str]],
        *,
        drop_nulls: bool,
        fill_defaults: bool,
    ) -> Self | None:
        """
        None if there is nothing to do.

        Raises:
            ValueError: a place or a transform cannot be used; names it.
        """
        node = _read(parameters) if drop_nulls or fill_defaults else None
        steps = []
        for text, names in table.items():
            place = Place.parse(text)
            place.check(parameters)
            if not place.steps:
                raise ValueError('a transform of all arguments at once is written as "/*"')
            steps.append((place, transforms.function(names)))
        if node is None and not steps:
            return None
        return cls(node if drop_nulls else None, node if fill_defaults else None, tuple(steps))

    def apply(self, arguments: dict[str, Any]) -> bool:
        """
        Change the arguments, which nobody else holds; whether anything is other than before.
        """
        changed = self.drops is not None and self.drops.drop(arguments)
        for place, function in self.transformed:
            changed |= place.change(arguments, function)
        return (self.fills is not None and self.fills.fill(arguments)) or changed


def check_defaults(parameters: Mapping[str, Any]) -> None:
    """
    Raises:
        ValueError: a default that would be filled in is not what its own schema allows: every
            call that counts on it would be refused.
    """
    checked = schema_check.check(parameters)
    if checked.nodes is None:
        return  # it could take long; then each call finds out, in a process that can be killed
    for at, schema in schema_walk.walk(parameters).subschemas.items():
        if isinstance(schema, dict) and "default" in schema:
            validator = checked.validator.evolve(schema=schema)
            if not validator.is_valid(schema["default"]):
                raise ValueError(f"the default at {at or 'the root'} is not of its own schema")


def _read(parameters: Mapping[str, Any]) -> _Node:
    reading = _Reading(parameters)
    node = reading.node(parameters)
    return node if node is not None else _Node()


class _Reading:
    """
    Reads a schema into nodes, each part once.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._validator: Validator = schema_check.build(root)
        self._nodes: dict[int, _Node] = {}

    def node(self, schema: Any) -> _Node | None:
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
        node = self._nodes[id(schema)] = _Node()
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

    def _properties(self, node: _Node, schema: dict[str, Any]) -> None:
        required = schema.get("required", ())
        for name, part in schema.get("properties", {}).items():
            if below := self.node(part):
                node.below[name] = below
            if isinstance(part, dict) and "default" in part:
                node.filled[name] = part["default"]
            if name not in required and not self._validator.evolve(schema=part).is_valid(None):
                node.dropped.add(name)

    def _merge(self, node: _Node, other: _Node | None) -> None:
        if other is not None:
            node.dropped |= other.dropped
            node.filled.update(other.filled)
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
