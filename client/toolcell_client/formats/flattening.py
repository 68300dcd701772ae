"""
A schema without `allOf`, and with nothing beside a `$ref`.  Pure.

Theory of operation.  References stay where they stand alone, so that a recursive schema stays small
and finite.  One with something beside it is replaced by what it names, merged with what is beside
it.  `opened` are the references that were replaced on the way here: one of them again is a
recursive schema; then only words are beside it, which are dropped, or it cannot be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.limits import SCHEMA_NODES
from toolcell_client.formats.merging import ANNOTATIONS, NotMergeable, constrains, merged
from toolcell_client.formats.schema_parts import target

if TYPE_CHECKING:
    from toolcell_client.formats.schema_parts import Budget, Schema

Opened = frozenset[str]
MOST_FOR_WORDS = 20_000  # arbitrary; nodes, after which words beside references are dropped
_WORDS = frozenset({"title", "description", "default", "examples"})


class Flattening:
    """
    Flattens the parts of one schema.
    """

    def __init__(self, root: Schema, budget: Budget) -> None:
        self.root = root
        self.budget = budget

    def flat(self, schema: Schema, opened: Opened) -> tuple[Schema, Opened]:
        """
        Raises:
            NotMergeable: what applies together cannot be said by one schema.
            SchemaTooLarge: the budget is spent.
            UnresolvedReference: a reference names nothing.
        """
        self.budget.spend()
        if not isinstance(schema, Mapping) or not ("$ref" in schema or schema.get("allOf")):
            return schema, opened
        parts = list(schema.get("allOf", ()))
        own = {word: each for word, each in schema.items() if word not in ("allOf", "$ref")}
        if "$ref" in schema:
            parts.insert(0, {"$ref": schema["$ref"]})
        if len(parts) == 1 and not constrains(own):
            return self._only(parts[0], own, opened)
        return self._together(own, parts, opened)

    def _only(self, part: Schema, own: Mapping[str, Any], opened: Opened) -> tuple[Schema, Opened]:
        """
        One part with nothing but words beside it.
        """
        words = {word: own[word] for word in own if word in _WORDS}
        if not isinstance(part, Mapping):
            return part, opened
        if set(part) - ANNOTATIONS != {"$ref"}:
            return self.flat({**part, **words}, opened)
        words = {word: part[word] for word in part if word in _WORDS} | words
        pointer, found = target(self.root, part["$ref"])
        plenty = self.budget.left > SCHEMA_NODES - MOST_FOR_WORDS
        if not words or not plenty or pointer in opened or not isinstance(found, Mapping):
            return {"$ref": part["$ref"]}, opened
        return self.flat({**found, **words}, opened | {pointer})

    def _together(
        self, own: dict[str, Any], parts: list[Schema], opened: Opened
    ) -> tuple[Schema, Opened]:
        made: Schema = own
        for part in parts:
            each, opened = self.inlined(part, opened)
            made = merged(made, each)
        if isinstance(made, Mapping) and "allOf" in made:
            return self.flat(made, opened)
        return made, opened

    def inlined(self, part: Schema, opened: Opened) -> tuple[Schema, Opened]:
        """
        The same, and never only a reference.

        Raises:
            NotMergeable: also, a reference leads back to itself.
            SchemaTooLarge: the budget is spent.
            UnresolvedReference: a reference names nothing.
        """
        each, opened = self.flat(part, opened)
        while isinstance(each, Mapping) and "$ref" in each:
            pointer, found = target(self.root, each["$ref"])
            if pointer in opened:
                raise NotMergeable("$ref")
            opened |= {pointer}
            each, opened = self.flat(found, opened)
        return each, opened
