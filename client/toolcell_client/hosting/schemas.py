"""
JSON Schemas from simple type hints, by the standard library alone.  Pure.

Theory of operation.  A function gets its arguments as JSON has them: nothing is converted.  So only
hints are understood whose values JSON has: str, int, float, bool, None, list, dict with keys of
str, Literal, Union and Optional, TypedDict, Any.  What another hint would need (a date, an Enum, a
class) nobody would make of a JSON value here; it is refused, and `parameters=` says it by hand.
"""

from __future__ import annotations

import inspect
import types
import typing
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_PLAIN: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    list: {"type": "array"},
    dict: {"type": "object"},
    Any: {},
    object: {},
}
_UNIONS: Final = (Union, types.UnionType)


class NoSchema(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a hint says nothing that a schema could; the text says which, and what to do.
    """


def of_parameters(function: Callable[..., Any], left_out: Collection[str] = ()) -> dict[str, Any]:
    """
    The schema of a function's arguments, without those that are `left_out`.

    Raises:
        NoSchema: a parameter has no hint, or one that is not understood, or cannot be named.
    """
    hints = hints_of(function, left_out)
    properties, required = dict[str, Any](), list[str]()
    for name, parameter in inspect.signature(function).parameters.items():
        if name in left_out:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise NoSchema(f"the parameter {name} cannot be given by name; make it an ordinary one")
        if parameter.kind is parameter.VAR_KEYWORD or name not in hints:
            raise NoSchema(
                f"the parameter {name} needs a type hint of its own, or give parameters="
            )
        properties[name] = of_hint(hints[name], f"the parameter {name}")
        if parameter.default is parameter.empty:
            required.append(name)
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def of_result(function: Callable[..., Any]) -> dict[str, Any] | None:
    """
    The schema of what a function returns; None: it does not say.  One that it says, and that is not
    understood, is no fault: the result is sent as it is.
    """
    hint = getattr(function, "__annotations__", {}).get("return", Any)
    try:
        return of_hint(_evaluated(function, {"return": hint})["return"], "the result") or None
    except NoSchema:
        return None


def hints_of(function: Callable[..., Any], left_out: Collection[str] = ()) -> dict[str, Any]:
    """
    The hints of its parameters, without those that are `left_out`.

    Raises:
        NoSchema: a hint is a text that names nothing.
    """
    hints = getattr(function, "__annotations__", {})
    return _evaluated(
        function, {name: hints[name] for name in hints if name not in {"return", *left_out}}
    )


def _evaluated(function: Callable[..., Any], hints: Mapping[str, Any]) -> dict[str, Any]:
    """
    Raises:
        NoSchema: a hint is a text that names nothing, perhaps what was imported for types only.
    """
    holder: Any = types.SimpleNamespace(__annotations__=dict(hints))
    try:
        return typing.get_type_hints(holder, getattr(function, "__globals__", {}))
    except (NameError, TypeError, SyntaxError) as exc:
        raise NoSchema(f"the type hints cannot be read ({exc}); give parameters=") from exc


def of_hint(hint: Any, what: str) -> dict[str, Any]:
    """
    Raises:
        NoSchema: it is not understood.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin is None and isinstance(hint, type | types.NoneType | type(Any)) and hint in _PLAIN:
        return dict(_PLAIN[hint])
    if typing.is_typeddict(hint):
        return _of_typed_dict(hint, what)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in _UNIONS:
        return {"anyOf": [of_hint(each, what) for each in inner]}
    if origin is list:
        return {"type": "array", "items": of_hint(inner[0], what)}
    if origin is dict and inner[0] is str:
        return {"type": "object", "additionalProperties": of_hint(inner[1], what)}
    raise NoSchema(
        f"{what} has the hint {_named(hint)}, and JSON has no such value; use str, int, float,"
        " bool, None, list, dict, Literal, a union of them or a TypedDict, or give parameters="
    )


def _of_typed_dict(hint: Any, what: str) -> dict[str, Any]:
    fields = typing.get_type_hints(hint)
    return {
        "type": "object",
        "properties": {name: of_hint(each, f"{what}.{name}") for name, each in fields.items()},
        "required": sorted(hint.__required_keys__),
        "additionalProperties": False,
    }


def _named(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
