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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from toolcell_server import schema_check, schema_walk
from toolcell_server.arguments import transforms
from toolcell_server.arguments.nodes import Node, Room, read
from toolcell_server.arguments.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Preparation:
    """
    Of one tool.  `fills` and `drops` are None where it is not asked for.
    """

    drops: Node | None
    fills: Node | None
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
        node = read(parameters) if drop_nulls or fill_defaults else None
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

    def apply(self, arguments: dict[str, Any], maximum: int) -> bool:
        """
        Change the arguments, which nobody else holds; whether anything is other than before.

        Raises:
            Overfull: the defaults have more than `maximum` bytes.
        """
        room = Room(maximum)
        changed = self.drops is not None and self.drops.drop(arguments, room)
        for place, function in self.transformed:
            changed |= place.change(arguments, function)
        return (self.fills is not None and self.fills.fill(arguments, room)) or changed


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
