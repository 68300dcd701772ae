"""
Results as an era of the protocol can carry them.  Pure.

Theory of operation.  Since 2026-07-28 `structuredContent` may be any JSON value; before, it had to
be an object.  And the SDK leaves out what is null.  What cannot be carried as it is goes into an
object, `{"result": …}`, in the schema and in the value alike, so that a client that checks one by
the other is never told otherwise.

A schema that is put one level deeper must not lose its references: `$defs` move to the root, where
`#/$defs/…` still finds them.  One that refers to other places of itself is not told at all; the
results are carried all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "result"
_DEFINITIONS = ("$defs", "definitions")


@dataclass(frozen=True, slots=True)
class Shape:
    """
    How the results of one tool are carried.  `schema` is None where none is told; `wrapped` says
    whether the value goes into an object, None: only where it is none.
    """

    schema: dict[str, Any] | None
    wrapped: bool | None

    def carried(self, value: Any) -> Any:
        """
        The value of `structuredContent`.
        """
        wrapped = not isinstance(value, dict) if self.wrapped is None else self.wrapped
        return {KEY: value} if wrapped else value


def shape_of(returns: Any, *, modern: bool) -> Shape:
    """
    Parameters:
        returns: the schema of the results; None: any JSON value.
        modern: the era carries any value that is not null.
    """
    if not isinstance(returns, dict) or not returns:
        return Shape(None, False if modern else None)
    if returns.get("type") == "object" or (modern and _never_null(returns)):
        return Shape(returns, wrapped=False)
    return Shape(_deeper(returns), wrapped=True)


def _never_null(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind != "null"
    return isinstance(kind, list) and bool(kind) and "null" not in kind


def _deeper(schema: dict[str, Any]) -> dict[str, Any] | None:
    if "$id" in schema or not _refers_to_definitions_only(schema):
        return None
    kept = {name: schema[name] for name in (*_DEFINITIONS, "$schema") if name in schema}
    inner = {name: value for name, value in schema.items() if name not in kept}
    return {**kept, "type": "object", "properties": {KEY: inner}, "required": [KEY]}


def _refers_to_definitions_only(schema: Any) -> bool:
    allowed = tuple(f"#/{name}/" for name in _DEFINITIONS)
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            for word in ("$ref", "$dynamicRef"):
                target = each.get(word)
                if isinstance(target, str) and not target.startswith(allowed):
                    return False
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return True
