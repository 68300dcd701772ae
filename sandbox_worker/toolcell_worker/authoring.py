"""
`@tool`: a function becomes a tool, and stays the function that it was.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

from toolcell_worker import docstrings, manifest, schema, signature
from toolcell_worker.definition import ToolDefinition
from toolcell_worker.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Function = TypeVar("Function", bound=Callable[..., Any])

ATTRIBUTE = "tool_definition"


class Options(TypedDict, total=False):
    """
    What `@tool` takes; an option that is left out is what a manifest says without it.
    """

    name: str
    version: str
    title: str
    description: str
    category: str
    tags: Sequence[str]
    effects: str
    idempotent: bool
    limits: Mapping[str, float]
    paths: Sequence[Mapping[str, str]]
    domains: Sequence[str | Mapping[str, Any]]
    env: Mapping[str, str]
    secrets: Sequence[str]
    scopes: Sequence[str]
    profile: str
    minimum_isolation: str
    deprecated: str
    retry: Mapping[str, Any]
    cache_ttl_seconds: float
    approval: str | bool
    cache_scope: str
    preview: bool
    fallback: str
    rates: Mapping[str, Any]
    audit: str
    fill_defaults: bool
    drop_nulls: bool
    transforms: Mapping[str, Sequence[str]]
    screens: Mapping[str, Sequence[str]]
    screen_action: str
    result_screens: Sequence[str]
    result_action: str
    redact_keys: Sequence[str]
    price: Mapping[str, float]
    conditions: Mapping[str, Any]
    returns: Any
    option: str


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(**options: Unpack[Options]) -> Callable[[Function], Function]: ...


def tool(function: Any = None, /, **options: Any) -> Any:
    """
    Declare a function as a tool: `@tool`, or `@tool(effects="read_only", …)`.

    Name, description and schemas come from the function's name, docstring and annotations; each
    can be given instead.  A parameter annotated `Context` is filled in by the service.  `returns`
    is a type or a JSON Schema; `option` names a bundle option without which it is not loaded.
    The other options are the keys of a manifest.

    Raises:
        DefinitionError: the function cannot be a tool as declared.
    """
    if function is None:
        return lambda declared: _declare(declared, options)
    return _declare(function, options)


def definition_of(function: Any) -> ToolDefinition | None:
    """
    What `@tool` has attached to a function, if it has.
    """
    try:
        found = getattr(function, ATTRIBUTE, None)
    except Exception:  # noqa: BLE001  # an object's own code, of any object of a file
        return None
    return found if isinstance(found, ToolDefinition) else None


def _declare(function: Any, options: dict[str, Any]) -> Any:
    name = str(options.get("name", getattr(function, "__name__", "")))
    try:
        definition = _define(function, name, options)
    except DefinitionError as exc:
        place = getattr(function, "__name__", repr(function))
        text = str(exc)
        prefix = "" if text.startswith(f"{place}()") else f"{place}(): "
        raise DefinitionError(prefix + text, name) from exc.__cause__
    setattr(function, ATTRIBUTE, definition)
    return function


def _define(function: Any, name: str, options: dict[str, Any]) -> ToolDefinition:
    if not hasattr(function, "__code__"):
        raise DefinitionError("only a function can be a tool")
    manifest.refuse_unknown(options, tuple(Options.__annotations__), "@tool(…)", name)
    read = docstrings.read(function.__doc__)
    found = signature.read(function, read.parameters)
    values = {"name": name, "description": read.description, **_plain(options)}
    option = values.pop("option", "")
    declared = options.get("returns", found.returns)
    values["parameters"] = signature.schema_of(found.parameters)
    values["returns"] = _returns(declared, read.returns)
    built = manifest.build(values)
    if not isinstance(declared, dict):
        found = signature.Signature(found.parameters, found.context, declared)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        importlib.import_module("asyncio")  # in the zygote, so that no cell has to (run.py)
    return ToolDefinition(function, found, built.describe(), option)


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {key: list(o) if isinstance(o, tuple) else o for key, o in options.items()}


def _returns(declared: Any, described: str) -> dict[str, Any] | None:
    """
    Schema of the result; none if nothing is declared.
    """
    if declared is signature.ABSENT:
        return None
    if isinstance(declared, dict):
        return declared
    try:
        found = schema.of(declared)
    except (TypeError, NotImplementedError) as exc:
        raise DefinitionError(
            f"its result has a type without a JSON form ({str(exc).splitlines()[-1]}); annotate"
            " what it returns, or give returns="
        ) from None
    return {"description": described, **found} if described else found
