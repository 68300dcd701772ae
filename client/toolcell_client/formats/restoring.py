"""
Arguments as a tool's own schema has them, from those that a model wrote for an exported one.  Pure.

Theory of operation.  Two things differ: properties have aliases, and strict mode makes a model
write null for what it leaves out.  Both are put right where the tool's own schema declares a
property, and nowhere else, so that data under free keys stays as it was written.  A null is left
out where the property is declared, not required, and null is not valid for it.

At one place of a value several schemas may apply at once (`allOf`, `$ref`), which are a list here.
Of a union one branch applies: the first that the value fits once it is restored by that branch.
Where a union at the root was exported as one object with the properties of all branches, the model
writes null for those of other branches; they are left out unless nothing fits then.  For a value
that fits no branch all of them are taken together, and the server says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from toolcell_client.formats.fitting import fits
from toolcell_client.formats.nulls import admits_null
from toolcell_client.formats.schema_parts import (
    Budget,
    SchemaTooLarge,
    UnresolvedReference,
    target,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.formats.schema_parts import Schema

_MOST_WAYS: Final = 64  # arbitrary; combinations of branches of several unions at one place
_STEPS: Final = 20_000  # arbitrary; beyond, the value goes to the server as it is


def restored(arguments: dict[str, Any], schema: Schema, names: Mapping[str, str]) -> dict[str, Any]:
    """
    The arguments; `names` are those of properties by their aliases.
    """
    restoring = _Restoring(schema, names)
    try:
        made = restoring.value(arguments, [schema])
    except (SchemaTooLarge, RecursionError):
        return arguments
    return made if isinstance(made, dict) else arguments


class _Restoring:
    def __init__(self, root: Schema, names: Mapping[str, str]) -> None:
        self.root = root
        self.names = names
        self.budget = Budget(_STEPS)

    def value(self, value: Any, schemas: Sequence[Schema]) -> Any:
        if not isinstance(value, dict | list) or not schemas:
            return value
        ways = list(self._ways(schemas))
        if len(ways) == 1:
            return self._below(value, ways[0])
        for clean in (True, False):
            for way in ways:
                made = self._below(_without_strays(value, way, ways) if clean else value, way)
                if all(fits(made, each, self.root, self.budget) for each in way):
                    return made
        everything = [each for way in ways for each in way]
        return self._below(value, everything)

    def _ways(self, schemas: Sequence[Schema]) -> Iterator[list[Mapping[str, Any]]]:
        """
        The schemas that apply together, once a branch of each union is chosen.
        """
        fixed: list[Mapping[str, Any]] = []
        unions: list[Sequence[Schema]] = []
        self._spread(schemas, fixed, unions, frozenset())
        for count, chosen in enumerate(product(*unions)):
            if count >= _MOST_WAYS:
                return
            if chosen:
                yield from ([*fixed, *way] for way in self._ways(chosen))
            else:
                yield fixed

    def _spread(
        self,
        schemas: Sequence[Schema],
        fixed: list[Mapping[str, Any]],
        unions: list[Sequence[Schema]],
        seen: frozenset[str],
    ) -> None:
        for each in schemas:
            self.budget.spend()
            if not isinstance(each, Mapping):
                continue
            fixed.append(each)
            unions += [each[word] for word in ("anyOf", "oneOf") if each.get(word)]
            self._spread(each.get("allOf", ()), fixed, unions, seen)
            pointer, found = self._target(each)
            if pointer is not None and pointer not in seen:
                self._spread([found], fixed, unions, seen | {pointer})

    def _target(self, schema: Mapping[str, Any]) -> tuple[str | None, Schema]:
        try:
            return target(self.root, schema["$ref"]) if "$ref" in schema else (None, True)
        except UnresolvedReference:
            return None, True

    def _below(self, value: Any, schemas: Sequence[Mapping[str, Any]]) -> Any:
        self.budget.spend()
        if isinstance(value, list):
            return [self.value(each, _items(schemas, index)) for index, each in enumerate(value)]
        made: dict[str, Any] = {}
        for key, each in value.items():
            name = self._name(key, value, schemas)
            declared = _declared(name, schemas)
            if each is None and declared and not self._stays(name, schemas, declared):
                continue
            made[name] = self.value(each, declared or _free(schemas))
        return made

    def _name(
        self, key: str, value: Mapping[str, Any], schemas: Sequence[Mapping[str, Any]]
    ) -> str:
        name = self.names.get(key, key)
        known = not _declared(key, schemas) and _declared(name, schemas)
        return name if known and name not in value else key

    def _stays(
        self, name: str, schemas: Sequence[Mapping[str, Any]], declared: Sequence[Schema]
    ) -> bool:
        if any(name in each.get("required", ()) for each in schemas):
            return True
        return all(admits_null(each, self.root, self.budget) for each in declared)


def _without_strays(
    value: Any, way: Sequence[Mapping[str, Any]], ways: Sequence[Sequence[Mapping[str, Any]]]
) -> Any:
    if not isinstance(value, dict):
        return value

    def strays(key: str) -> bool:
        return not _declared(key, way) and any(_declared(key, each) for each in ways)

    return {key: each for key, each in value.items() if each is not None or not strays(key)}


def _declared(name: str, schemas: Sequence[Mapping[str, Any]]) -> list[Schema]:
    return [each["properties"][name] for each in schemas if name in each.get("properties", ())]


def _free(schemas: Sequence[Mapping[str, Any]]) -> list[Schema]:
    return [each["additionalProperties"] for each in schemas if "additionalProperties" in each]


def _items(schemas: Sequence[Mapping[str, Any]], index: int) -> list[Schema]:
    found = []
    for each in schemas:
        items = each.get("items", True)
        first = items if isinstance(items, list) else each.get("prefixItems", [])
        rest = each.get("additionalItems", True) if isinstance(items, list) else items
        found.append(first[index] if index < len(first) else rest)
    return found
