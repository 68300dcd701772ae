"""
What OpenAI's endpoints check of tools and of the choice among them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import strict_subset
from toolcell_client.testing.providers.openai_words import (
    field,
    invalid,
    only,
    too_long,
    typed,
)
from toolcell_client.testing.providers.view import SeenTool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = re.compile(r"[a-zA-Z0-9_-]+")
MAX_NAME = 64
MAX_DESCRIPTION = 1024
MAX_TOOLS = 128
MODES = ("none", "auto", "required")


def check_function(
    function: Mapping[str, Any], where: str, *, strict_unless_told: bool = False
) -> SeenTool:
    """
    One definition; `where` is its place in the request.
    """
    name = check_name(function, where)
    description = function.get("description") or ""
    if len(typed(description, str, f"{where}.description")) > MAX_DESCRIPTION:
        raise too_long(f"{where}.description", MAX_DESCRIPTION, len(description))
    parameters = function.get("parameters")
    schema = {"type": "object", "properties": {}} if parameters is None else parameters
    typed(schema, dict, f"{where}.parameters")
    strict = function.get("strict")
    if strict is not None:
        typed(strict, bool, f"{where}.strict")
    check_schema(name, schema, bool(strict), where)
    # Who leaves it out has the schema rewritten, where that is the default; nothing is refused.
    made_strict = strict is None and strict_unless_told
    return SeenTool(name, description, schema, bool(strict) or made_strict)


def check_name(function: Mapping[str, Any], where: str) -> str:
    """
    A name of a function.
    """
    name: str = field(function, "name", str, where)
    if len(name) > MAX_NAME:
        raise too_long(f"{where}.name", MAX_NAME, len(name))
    if not NAME.fullmatch(name):
        raise invalid(
            f"Invalid '{where}.name': string does not match pattern. Expected a string that matches"
            " the pattern '^[a-zA-Z0-9_-]+$'.",
            f"{where}.name",
        )
    return name


def check_schema(name: str, schema: Mapping[str, Any], strict: bool, where: str) -> None:  # noqa: FBT001
    """
    The parameters: an object, and within the subset if strict.
    """
    why = ""
    if schema.get("type") != "object":
        why = strict_subset.no_object(schema)
    elif strict:
        why = strict_subset.complaint(schema)
    if why:
        raise invalid(
            f"Invalid schema for function '{name}': {why}",
            f"{where}.parameters",
            "invalid_function_parameters",
        )


def check_list(tools: Any, where: str = "tools") -> list[Any]:
    """
    A list of tools, of a length that is taken.
    """
    listed: list[Any] = typed(tools, list, where)
    if not listed:
        raise invalid(
            f"Invalid '{where}': empty array. Expected an array with minimum length 1, but got an"
            " empty array instead.",
            where,
            "empty_array",
        )
    if len(listed) > MAX_TOOLS:
        raise too_long(where, MAX_TOOLS, len(listed), "array")
    return listed


def check_unique(tools: Sequence[SeenTool], where: str = "tools") -> None:
    """
    No name twice.
    """
    seen: set[str] = set()
    for each in tools:
        if each.name in seen:
            raise invalid(f"Invalid '{where}': the name '{each.name}' is there twice.", where)
        seen.add(each.name)


def check_choice(
    choice: Any, tools: Sequence[SeenTool], *, nested: bool
) -> tuple[str, tuple[str, ...]]:
    """
    The mode and the names that are allowed.  `nested`: as Chat Completions write it.
    """
    if isinstance(choice, str):
        if choice not in MODES:
            raise invalid(
                f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
                "tool_choice",
            )
        return choice, ()
    kind = field(typed(choice, dict, "tool_choice"), "type", str, "tool_choice")
    if kind == "function":
        name = _named(choice, nested, "tool_choice")
        _known(name, tools)
        return "one", (name,)
    if kind == "allowed_tools":
        return _allowed(choice, tools, nested=nested)
    raise invalid(f"Invalid value: '{kind}'.", "tool_choice.type")


def _allowed(
    choice: Mapping[str, Any], tools: Sequence[SeenTool], *, nested: bool
) -> tuple[str, tuple[str, ...]]:
    where = "tool_choice.allowed_tools" if nested else "tool_choice"
    inner = field(choice, "allowed_tools", dict, "tool_choice") if nested else choice
    only(inner, frozenset({"type", "mode", "tools"}), where)
    mode = field(inner, "mode", str, where)
    if mode not in ("auto", "required"):
        raise invalid(
            f"Invalid value: '{mode}'. Supported values are: 'auto' and 'required'.", where
        )
    names = []
    for at, each in enumerate(check_list(field(inner, "tools", list, where), f"{where}.tools")):
        here = f"{where}.tools[{at}]"
        names.append(_named(typed(each, dict, here), nested, here))
        _known(names[-1], tools)
    return mode, tuple(names)


def _named(choice: Mapping[str, Any], nested: bool, where: str) -> str:  # noqa: FBT001
    if not nested:
        return str(field(choice, "name", str, where))
    return str(field(field(choice, "function", dict, where), "name", str, f"{where}.function"))


def _known(name: str, tools: Sequence[SeenTool]) -> None:
    if not tools:
        raise invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if all(each.name != name for each in tools):
        raise invalid(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")
