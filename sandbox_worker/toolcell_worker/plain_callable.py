"""
A plain callable as a tool: it carries a dict `tool_definition`, and its code need not know of us.

    def search(query, limit=10): ...
    search.tool_definition = {
        "name": "search",
        "description": "Searches the index.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}, …}},
    }

The dict is that of a function of OpenAI, as it stands or in its envelope `{"type": "function",
"function": {…}}`, or of a tool of Anthropic (`input_schema`).  Any other key of a manifest may
stand beside these: effects, limits, paths.  Arguments are given by name, and only those that the
schema names, unless it says otherwise: what else the function takes is its author's own.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_worker import manifest
from toolcell_worker.definition import ToolDefinition, decode
from toolcell_worker.errors import DefinitionError

if TYPE_CHECKING:
    from toolcell_worker.context import Context

ATTRIBUTE = "tool_definition"
# What providers' formats say besides, and means nothing here.
FOREIGN = ("type", "strict", "cache_control")
NO_PARAMETERS = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class PlainCallable:
    """
    Something that can be called, and what it declares.  `folder` holds its file.
    """

    function: Callable[..., Any]
    manifest: dict[str, Any]
    folder: str

    def call(self, arguments: bytes | dict[str, Any], context: Context) -> Any:  # noqa: ARG002
        """
        As `LoadedTool.call`.
        """
        return self.function(**decode(arguments))

    def check_result(self, encoded: bytes) -> None:
        """
        Nothing: what it declares is a schema, which the server checks.
        """


def carried_by(value: Any) -> Any:
    """
    The `tool_definition` of something that can be called, if it has one that `@tool` has not made.
    """
    if isinstance(value, type) or not callable(value):
        return None
    try:
        found = getattr(value, ATTRIBUTE, None)
    except Exception:  # noqa: BLE001  # an object's own code
        return None
    return None if isinstance(found, ToolDefinition) else found


def home(value: Any) -> str:
    """
    The module whose own a callable is: that of its function, or of its class.
    """
    while isinstance(value, functools.partial):
        value = value.func
    try:
        return str(getattr(value, "__module__", ""))
    except Exception:  # noqa: BLE001  # an object's own code
        return ""


def of(function: Callable[..., Any], declared: Any, folder: str) -> PlainCallable:
    """
    The tool that a callable is by its definition.

    Raises:
        DefinitionError: the definition is wrong; the text names key and remedy.
    """
    if not isinstance(declared, Mapping):
        raise DefinitionError(
            f"its {ATTRIBUTE} is no dict; give it name, description and parameters", _name(function)
        )
    values = _values(dict(declared))
    name = values.get("name")
    try:
        built = manifest.build({"name": "", "description": "", **values})
    except DefinitionError as exc:
        shown = name if isinstance(name, str) and name else _name(function)
        raise DefinitionError(f"{ATTRIBUTE} of {_name(function)}: {exc}", shown) from None
    if _is_asynchronous(function):
        importlib.import_module("asyncio")  # in the zygote, so that no cell has to (run.py)
    return PlainCallable(function, built.describe(), folder)


def _values(declared: dict[str, Any]) -> dict[str, Any]:
    """
    The keys of a manifest, whichever provider's words they are written in.
    """
    inner = declared.pop("function", None)
    if isinstance(inner, Mapping):
        declared = {**declared, **inner}
    if "input_schema" in declared and "parameters" not in declared:
        declared["parameters"] = declared.pop("input_schema")
    schema = declared.get("parameters", NO_PARAMETERS)
    if isinstance(schema, Mapping):
        declared["parameters"] = {"additionalProperties": False, **schema}
    return {key: value for key, value in declared.items() if key not in FOREIGN}


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", "") or type(function).__name__)


def _is_asynchronous(function: Any) -> bool:
    ways = (function, getattr(function, "__call__", None))  # noqa: B004  # an object's method
    return any(inspect.iscoroutinefunction(way) or inspect.isasyncgenfunction(way) for way in ways)
