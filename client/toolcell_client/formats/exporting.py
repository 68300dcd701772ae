"""
A tool's schema in a provider's subset of JSON Schema.  Pure.

Theory of operation.  The schema is walked once, and rebuilt from what the subset has.  What is only
another way to say the same is said the other way: `allOf` is merged, `oneOf` becomes `anyOf`, what
stands beside a union goes into its branches, several types become a union, references lead to
`$defs`.  What limits values and is not in the subset is told in words, in the description, with a
note: the server still checks it.  What gives values their shape and is not in the subset prevents
strict mode, since a schema without it would ask the model for something else; without strict mode
it is left out, with a note.

The promise, which the tests hold by generated schemas: what is valid by the exported schema is
valid, once `restoring` has put it right, by the tool's own, unless a note says otherwise; and what
is valid by the tool's own and has no properties but declared ones can be said by the exported one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.disjoint import disjoint
from toolcell_client.formats.flattening import Flattening, Opened
from toolcell_client.formats.loosened import Loosened
from toolcell_client.formats.merging import ANNOTATIONS, NothingFits, NotMergeable, constrains
from toolcell_client.formats.schema_parts import Budget, UnresolvedReference, target
from toolcell_client.formats.told import described
from toolcell_client.formats.typed import typed

if TYPE_CHECKING:
    from toolcell_client.formats.schema_parts import Schema
    from toolcell_client.formats.subsets import Subset

UNIONS = ("anyOf", "oneOf")
DYNAMIC = ("$dynamicRef", "$recursiveRef")


class Exporting:
    """
    Exports one schema; afterwards `notes` are complete.
    """

    def __init__(self, tool: str, root: Schema, subset: Subset) -> None:
        self.tool = tool
        self.root = root
        self.subset = subset
        self.budget = Budget()
        self.flattening = Flattening(root, self.budget)
        self.notes: dict[Loosened, None] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {"": "#"}
        self._unfinished: set[str] = {""}

    def whole(self, schema: Schema) -> dict[str, Any]:
        """
        The exported schema of an object: `schema` is the root, without unions.

        Raises:
            SchemaTooLarge: following the references takes too long.
        """
        made = self.node(schema, "", frozenset())
        return {**made, "$defs": self.definitions} if self.definitions else made

    def node(self, schema: Schema, place: str, opened: Opened) -> dict[str, Any]:
        """
        One subschema.
        """
        self.budget.spend()
        flat, opened = self._flat(schema, place, opened)
        if flat is None:
            return {}
        if not isinstance(flat, Mapping):
            return self._boolean(allowed=flat is not False, place=place)
        for word in DYNAMIC:
            if word in flat:
                self.blocked(place, word, "it is not followed", "use $ref")
        if "$ref" in flat:
            return self._reference(flat["$ref"], place)
        words = [word for word in UNIONS if flat.get(word)]
        if words:
            return self._union(flat, words, place, opened)
        return typed(self, flat, place, opened)

    def told(self, place: str, keyword: str) -> None:
        """
        Note a limit that is only told in words.
        """
        self.note(
            place,
            keyword,
            f"{self.subset.provider}'s subset has no such limit; it is told in the description",
            "rely on the server, which checks it",
        )

    def blocked(self, place: str, keyword: str, reason: str, remedy: str) -> None:
        """
        Note a shape that cannot be said.
        """
        self.note(place, keyword, reason, remedy, prevents_strict=self.subset.strict)

    def note(
        self, place: str, keyword: str, reason: str, remedy: str, *, prevents_strict: bool = False
    ) -> None:
        """
        Note any difference.
        """
        found = Loosened(
            tool=self.tool,
            place=place,
            keyword=keyword,
            reason=reason,
            remedy=remedy,
            prevents_strict=prevents_strict,
        )
        self.notes[found] = None

    def _flat(self, schema: Schema, place: str, opened: Opened) -> tuple[Schema, Opened]:
        try:
            return self.flattening.flat(schema, opened)
        except NothingFits as exc:
            self.blocked(place, exc.keyword, "no value is valid", "correct the schema")
        except NotMergeable as exc:
            self.blocked(place, "allOf", str(exc), "write one schema that says both")
        except UnresolvedReference as exc:
            self.blocked(place, "$ref", str(exc), "refer to a part of the same schema")
        if self.subset.strict:
            return None, opened
        return {word: schema[word] for word in schema if word not in ("allOf", "$ref")}, opened

    def _boolean(self, *, allowed: bool, place: str) -> dict[str, Any]:
        if allowed and self.subset.strict:
            self.blocked(place, "true", "any value is valid", "say what type it has")
        elif not allowed:
            self.blocked(place, "false", "no value is valid", "leave it out")
        return {}

    def _reference(self, reference: str, place: str) -> dict[str, Any]:
        pointer, found = target(self.root, reference)
        if pointer in self._unfinished and not self.subset.recursion:
            self.blocked(place, "$ref", "the schema is recursive", "unroll it a few levels")
            return {}
        if pointer not in self._names:
            name = self._free_name(pointer)
            self._names[pointer] = f"#/$defs/{name}"
            self._unfinished.add(pointer)
            self.definitions[name] = {}  # its place, so that the order is that of first mention
            self.definitions[name] = self.node(found, pointer, frozenset({pointer}))
            self._unfinished.discard(pointer)
        return {"$ref": self._names[pointer]}

    def _free_name(self, pointer: str) -> str:
        last = pointer.rpartition("/")[2]
        name = "".join(each if each.isascii() and each.isalnum() else "_" for each in last)[:48]
        name = name or "definition"
        taken = self.definitions
        return name if name not in taken else f"{name}_{len(taken)}"

    def _union(
        self, flat: Mapping[str, Any], words: list[str], place: str, opened: Opened
    ) -> dict[str, Any]:
        word = words[0]
        if len(words) > 1:
            self.blocked(place, "oneOf", "it stands beside anyOf", "write one union of the two")
        rest = {each: flat[each] for each in flat if each not in UNIONS and each not in ANNOTATIONS}
        branches = [
            ({**rest, "allOf": [each]} if constrains(rest) else each, f"{place}/{word}/{index}")
            for index, each in enumerate(flat[word])
        ]
        if word == "oneOf" and not disjoint([each for each, _ in branches], self):
            self.note(
                place,
                "oneOf",
                "exported as anyOf, and a value may be valid by several of its branches",
                "give each branch a required property with a const of its own",
            )
        made = [self.node(*each, opened) for each in branches if self._possible(each[0], opened)]
        return self.any_of(made, flat, place)

    def any_of(
        self, branches: list[dict[str, Any]], flat: Mapping[str, Any], place: str
    ) -> dict[str, Any]:
        """
        A union of what is exported already, with the words of the schema that it came from.
        """
        if not branches:
            self.blocked(place, "anyOf", "no value is valid", "correct the schema")
            return {}
        if len(branches) == 1 and "$ref" not in branches[0]:
            return described(branches[0], flat, {}, keep=True)
        if {} in branches:
            return described({}, flat, {})
        return described({"anyOf": branches}, flat, {})

    def _possible(self, schema: Schema, opened: Opened) -> bool:
        try:
            return self.flattening.flat(schema, opened)[0] is not False
        except NothingFits:
            return False
        except (NotMergeable, UnresolvedReference):
            return True
