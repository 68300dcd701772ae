"""
What the signature of a function says about the arguments of its tool.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from dataclasses import dataclass
from typing import Any

import msgspec

from toolcell_worker import coercion, schema
from toolcell_worker.context import Context
from toolcell_worker.errors import DefinitionError

ABSENT: Any = inspect.Parameter.empty
YIELDING = (AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator)


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One argument: its type, its default or ABSENT, its schema.
    """

    name: str
    annotation: Any
    default: Any
    positional: bool
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """
    `context` names the parameter into which a Context is put, or is empty; `returns` is the type
    of the result, ABSENT if it is not annotated.
    """

    parameters: tuple[Parameter, ...]
    context: str
    returns: Any


def read(function: Callable[..., Any], descriptions: dict[str, str]) -> Signature:
    """
    The signature of a function, its parameters described by its docstring.

    Raises:
        DefinitionError: a parameter cannot be an argument; the text names it and the remedy.
    """
    hints = _hints(function)
    parameters, context = [], ""
    for parameter in inspect.signature(function).parameters.values():
        if _is_context(hints.get(parameter.name)):
            context = parameter.name
            continue
        _check(function, parameter, hints)
        annotation = hints[parameter.name]
        described = descriptions.get(parameter.name, "")
        parameters.append(_parameter(function, parameter, annotation, described))
    return Signature(tuple(parameters), context, _returned(function, hints))


def schema_of(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """
    Schema of the object that holds all arguments.
    """
    required = [p.name for p in parameters if p.default is ABSENT]
    return schema.of_object({p.name: p.schema for p in parameters}, required)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError:
        pass
    # `Context` is often imported for type checkers only.
    try:
        return typing.get_type_hints(function, localns={"Context": Context}, include_extras=True)
    except NameError as exc:
        raise DefinitionError(
            f"{function.__name__}(): an annotation cannot be read, because {exc}; import it"
            " outside of `if TYPE_CHECKING`"
        ) from None


def _is_context(annotation: Any) -> bool:
    return annotation is Context or Context in typing.get_args(annotation)


def _check(
    function: Callable[..., Any], parameter: inspect.Parameter, hints: dict[str, Any]
) -> None:
    where = f"{function.__name__}(): parameter {parameter.name!r}"
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise DefinitionError(
            f"{where} takes any number of values, which no schema can describe; use a list or a"
            " dict parameter"
        )
    if parameter.name.startswith("_"):
        raise DefinitionError(f"{where} begins with an underscore; rename it")
    if parameter.name not in hints:
        raise DefinitionError(
            f"{where} has no annotation; write for example `{parameter.name}: str`"
        )


def _parameter(
    function: Callable[..., Any], parameter: inspect.Parameter, annotation: Any, described: str
) -> Parameter:
    where = f"{function.__name__}(): parameter {parameter.name!r}"
    try:
        part = schema.of(annotation)
    except (TypeError, NotImplementedError) as exc:
        raise DefinitionError(
            f"{where} has the type {_spelled(annotation)}, which has no JSON form"
            f" ({_last_line(exc)}); use str, int, float, bool, list, dict, Literal, Enum, a"
            " dataclass, a TypedDict or a msgspec.Struct"
        ) from None
    if described:
        part = {"description": described, **part}
    if parameter.default is not ABSENT:
        part = {**part, **_default(where, annotation, parameter.default)}
    positional = parameter.kind is parameter.POSITIONAL_ONLY
    return Parameter(parameter.name, annotation, parameter.default, positional, part)


def _default(where: str, annotation: Any, default: Any) -> dict[str, Any]:
    """
    The default as a schema shows it; nothing if it has no JSON form, which is allowed.
    """
    try:
        plain = msgspec.to_builtins(default, enc_hook=coercion.enc_hook, str_keys=True)
    except (TypeError, NotImplementedError):
        return {}
    try:
        coercion.from_json(plain, annotation)
    except ValueError:
        remedy = f"write `{_spelled(annotation)} | None`" if default is None else "change one"
        raise DefinitionError(
            f"{where} is {_spelled(annotation)} but its default is {default!r}; {remedy}"
        ) from None
    return {"default": plain}


def _returned(function: Callable[..., Any], hints: dict[str, Any]) -> Any:
    """
    The type of the result: of a generator, what it returns rather than what it yields.
    """
    annotation = hints.get("return", ABSENT)
    generates = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    if not generates or annotation is ABSENT:
        return annotation
    origin, arguments = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin not in YIELDING:
        raise DefinitionError(
            f"{function.__name__}(): it yields, so it must be annotated Iterator[…],"
            f" Generator[…] or AsyncIterator[…], not {_spelled(annotation)}"
        )
    if origin is Generator:
        return arguments[2] if len(arguments) == 3 else ABSENT
    return None


def _spelled(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _last_line(exc: Exception) -> str:
    return str(exc).rstrip().rpartition("\n")[2]
