"""
Types and equality of JSON values, which are not Python's.  Pure.
"""

from __future__ import annotations

from typing import Any

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


def type_of(value: Any) -> str:
    """
    The narrowest JSON Schema type of a value: 3.0 is an integer.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    return {float: "number", str: "string", list: "array"}.get(type(value), "object")


def is_of(value: Any, kind: str) -> bool:
    """
    Whether a value is of that JSON Schema type.
    """
    found = type_of(value)
    return found == kind or (kind == "number" and found == "integer")


def types(schema: Any) -> list[str] | None:
    """
    What `type` says, as a list; None if it says nothing.
    """
    said = schema.get("type")
    if isinstance(said, str):
        return [said]
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else None


def same(one: Any, other: Any) -> bool:
    """
    Whether two JSON values are equal: 1 is 1.0, and is not true.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def literals(schema: Any) -> list[Any] | None:
    """
    The only values that `const` and `enum` leave; None if there is neither.
    """
    values = schema.get("enum")
    found = values if isinstance(values, list) else None
    if "const" not in schema:
        return found
    wanted = schema["const"]
    return [wanted] if found is None or any(same(wanted, each) for each in found) else []
