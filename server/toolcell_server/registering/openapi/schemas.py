"""
Schemas of a document as JSON Schemas of 2020-12.  Pure.

Theory of operation.  A schema is copied keyword by keyword, and only those that are known: what is
for documentation (`example`, `xml`, `discriminator`) is left out, what OpenAPI 3.0 writes in its
own way (`nullable`, a boolean `exclusiveMinimum`) is written as JSON Schema does.  What a reference
names is copied once, into `$defs`, so a schema that contains itself ends.  How much is copied is
bounded.

In a request, what is `readOnly` is left out; in a response, what is `writeOnly` is not missed, and
neither patterns nor formats are asserted: what servers send is rarely that exact, and a result that
fails its schema is no result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from toolcell_server import formats
from toolcell_server.registering.openapi import pointers

MAXIMUM_NODES: Final = 2000  # more, and no tool may have the schema
_LONGEST_PATTERN: Final = 256
_COPIED_WORDS: Final = """
    type enum const title description default multipleOf maximum minimum exclusiveMaximum
    exclusiveMinimum maxLength minLength maxItems minItems uniqueItems maxProperties minProperties
    required minContains maxContains dependentRequired deprecated
"""
_COPIED: Final = frozenset(_COPIED_WORDS.split())
_SCHEMA_WORDS: Final = "additionalProperties contains else if items not propertyNames then"
_SCHEMA: Final = frozenset(_SCHEMA_WORDS.split())
_LIST: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_BOUNDS: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


class TooLarge(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a schema, with all that it refers to, has more than a tool may have.
    """


@dataclass(slots=True)
class Schemas:
    """
    Copies the schemas of one tool.  `older`: the document is of OpenAPI 3.0; `request`: they are of
    what is sent.
    """

    document: dict[str, Any]
    older: bool
    request: bool
    left: int = MAXIMUM_NODES
    definitions: dict[str, Any] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    @property
    def nodes(self) -> int:
        """
        How many have been copied.
        """
        return MAXIMUM_NODES - self.left

    def copy(self, schema: Any) -> Any:
        """
        A schema, whose references lead to `definitions`.

        Raises:
            NotResolved: a reference leads nowhere.
            TooLarge: as it says.
        """
        self.left -= 1
        if self.left < 0:
            raise TooLarge(f"its schema has more than {MAXIMUM_NODES} nodes")
        if not isinstance(schema, dict):
            return schema is not False
        if "$ref" in schema and self.older:  # siblings of a reference mean nothing there
            return {"$ref": self._reference(schema["$ref"])}
        copied = {key: value for key, value in schema.items() if key in _COPIED}
        if "$ref" in schema:
            copied["$ref"] = self._reference(schema["$ref"])
        self._copy_below(schema, copied)
        self._copy_asserted(schema, copied)
        _translate_bounds(schema, copied)
        return _nullable(copied) if schema.get("nullable") is True else copied

    def whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        """
        A copied schema with the definitions that it refers to.
        """
        return {**schema, "$defs": self.definitions} if self.definitions else schema

    def _reference(self, reference: Any) -> str:
        if reference not in self._names:
            found = pointers.target(self.document, reference)
            self._names[reference] = name = self._name(reference)
            self.definitions[name] = {}  # taken, while what it names is copied
            self.definitions[name] = self.copy(found)
        return f"#/$defs/{self._names[reference]}"

    def _name(self, reference: str) -> str:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", reference.rpartition("/")[2])[:64] or "schema"
        taken, number = name, 1
        while taken in self.definitions:
            number += 1
            taken = f"{name}_{number}"
        return taken

    def _copy_below(self, schema: dict[str, Any], copied: dict[str, Any]) -> None:
        for key, value in schema.items():
            if key in _SCHEMA:
                copied[key] = self.copy(value)
            elif key in _LIST and isinstance(value, list) and value:
                copied[key] = [self.copy(each) for each in value]
            elif key == "properties" and isinstance(value, dict):
                copied[key] = self._properties(value, copied)
            elif key == "patternProperties" and isinstance(value, dict) and self.request:
                copied[key] = {
                    name: self.copy(each) for name, each in value.items() if _usable(name)
                }

    def _properties(self, properties: dict[str, Any], copied: dict[str, Any]) -> dict[str, Any]:
        mark = "readOnly" if self.request else "writeOnly"
        apart = {
            n for n, each in properties.items() if isinstance(each, dict) and each.get(mark) is True
        }
        if isinstance(required := copied.get("required"), list):
            copied["required"] = [name for name in required if name not in apart]
        kept = (item for item in properties.items() if not (self.request and item[0] in apart))
        return {name: self.copy(each) for name, each in kept}

    def _copy_asserted(self, schema: dict[str, Any], copied: dict[str, Any]) -> None:
        if not self.request:
            return
        if schema.get("format") in formats.ASSERTED | formats.ANNOTATIONS:
            copied["format"] = schema["format"]
        if isinstance(pattern := schema.get("pattern"), str) and _usable(pattern):
            copied["pattern"] = pattern


def _translate_bounds(schema: dict[str, Any], copied: dict[str, Any]) -> None:
    """
    `exclusiveMinimum: true` beside a minimum, as JSON Schema wrote it before draft-06.
    """
    for exclusive, bound in _BOUNDS.items():
        if isinstance(schema.get(exclusive), bool):
            copied.pop(exclusive)
            if schema[exclusive] and bound in copied:
                copied[exclusive] = copied.pop(bound)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema.get("type"), str):
        return {"anyOf": [schema, {"type": "null"}]}
    allowed = schema.get("enum")
    nulls = {"enum": [*allowed, None]} if isinstance(allowed, list) and None not in allowed else {}
    return {**schema, "type": [schema["type"], "null"], **nulls}


def _usable(pattern: str) -> bool:
    """
    Whether a pattern of JavaScript means something here, too; one that does not asserts nothing.
    """
    if len(pattern) > _LONGEST_PATTERN:
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True
